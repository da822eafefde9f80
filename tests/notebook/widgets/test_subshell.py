"""Widgets that a thread of the kernel serves while a cell runs."""

from types import SimpleNamespace

from rlkit.notebook.widgets.subshell import subshell_context


class Kernel:
    """As much of ipykernel 7 as matters: threads by their names, and the header of what is worked on."""

    def __init__(self, *subshells):
        self.shell_channel_thread = SimpleNamespace(manager=SimpleNamespace(list_subshell=lambda: list(subshells)))
        self.parents = []

    def get_parent(self):
        return {"header": {"msg_id": "7", "subshell_id": None}}

    def set_parent(self, ident, parent):
        self.parents.append(parent)


def test_there_is_none_outside_a_kernel_or_where_it_has_no_such_threads(own_shell):
    assert subshell_context() is None
    own_shell.kernel = Kernel()
    assert subshell_context() is None


def test_what_is_sent_in_it_names_the_thread_and_belongs_to_the_same_cell(own_shell):
    own_shell.kernel = Kernel("old", "new")
    assert subshell_context() is not None
    assert own_shell.kernel.parents == [{"header": {"msg_id": "7", "subshell_id": "new"}}]
