"""What calls a widget again and again."""

import gc
import threading
import weakref

from rlkit.notebook.widgets.ticking import Ticker

SECONDS = 300  # more than anything here takes, even on a busy machine


class Counted:
    def __init__(self, most):
        self.count = 0
        self.most = most
        self.reached = threading.Event()

    def tick(self):
        self.count += 1
        if self.count == self.most:
            self.reached.set()
        return self.count < self.most


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "Counted.tick of rlkit"]


def joined():
    for thread in threads():
        thread.join(SECONDS)
    return not threads()


def test_a_method_is_called_until_it_says_no():
    counted = Counted(3)
    Ticker(counted.tick, 0.001)
    assert counted.reached.wait(SECONDS)
    assert joined()
    assert counted.count == 3


def test_it_ends_when_nobody_holds_the_object():
    counted = Counted(10**9)
    Ticker(counted.tick, 0.001)
    seen = weakref.ref(counted)
    del counted
    gc.collect()
    assert joined()
    assert seen() is None


def test_it_can_be_stopped():
    counted = Counted(10**9)
    Ticker(counted.tick, 0.001).stop()
    assert joined()
