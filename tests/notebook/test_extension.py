"""What the extension adds and takes away."""

import rlkit

SMALL = 'import rlkit\nmodel = rlkit.create("ppo", env="CartPole-v1", seed=0, n_steps=16, batch_size=64, n_epochs=1)'


def test_the_extension_puts_the_display_in_its_place_and_takes_it_away(own_shell):
    printers = own_shell.display_formatter.ipython_display_formatter.type_printers
    own_shell.run(f"{SMALL}\nmodel.train(100)")
    assert rlkit.History in printers
    own_shell.run_line_magic("unload_ext", "rlkit")
    count = len(own_shell.published)
    assert rlkit.History not in printers
    assert not [callback for callback in own_shell.events.callbacks["pre_execute"] if "Quiet" in repr(callback)]
    own_shell.run("history = model.train(100)")
    assert len(own_shell.published) == count
    own_shell.run_line_magic("load_ext", "rlkit")


def test_the_extension_may_be_loaded_twice(own_shell):
    rlkit.load_ipython_extension(own_shell)
    own_shell.run(f"{SMALL}\nmodel.train(100)")
    assert own_shell.shown_values == []
    assert len([callback for callback in own_shell.events.callbacks["pre_execute"] if "Quiet" in repr(callback)]) == 1
