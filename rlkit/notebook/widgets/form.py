"""A form for all hyperparameters of an algorithm, made from its config class alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ipywidgets
from traitlets import Instance, Unicode, observe, validate

from rlkit.config import ModelConfig, presets
from rlkit.display import html
from rlkit.errors import ConfigError
from rlkit.factory import env_id_of, factory
from rlkit.forks import Guard
from rlkit.notebook.widgets import writing
from rlkit.notebook.widgets.copyable import Copyable
from rlkit.notebook.widgets.fields import Field, problem
from rlkit.notebook.widgets.fold import Fold
from rlkit.notebook.widgets.look import Look, close, labelled
from rlkit.notebook.widgets.twin import Twinned, settings


class ConfigForm(Twinned, ipywidgets.VBox):
    """Choose hyperparameters by hand: all fields of an algorithm's config, those that people change often first.

    Args:
        algorithm: Its name.
        env_id: Gymnasium id of the environment, whose preset applies.
        config: What to begin with; what was chosen in it counts as changed by the person.

    Attributes:
        algorithm: Its name; :meth:`choose` changes it.
        env_id: Gymnasium id of the environment, or None; :meth:`choose` changes it.
        preset: ``"auto"``, ``"none"`` or the name of a preset.
        config: The config that is chosen; None while something is wrong.
        line: The same as a line, ``%rl_create ppo CartPole-v1 --gamma 0.98``; empty while something is wrong.
        yaml: The same as the body of ``%%rl_config``, all that differs from the defaults.
        fields: The field of each hyperparameter by its name.

    Raises:
        UnknownAlgorithmError: There is no such algorithm.
        ConfigError: The config is one of another algorithm, or there is no such preset.
    """

    algorithm = Unicode(read_only=True)
    env_id = Unicode(None, allow_none=True, read_only=True)
    preset = Unicode("auto")
    config = Instance(ModelConfig, allow_none=True)
    line = Unicode()
    yaml = Unicode()

    def __init__(self, algorithm: str = "ppo", env_id: str | None = None, config: ModelConfig | None = None) -> None:
        config_class = factory.get(algorithm).Config
        if config is not None and not isinstance(config, config_class):
            told = f"The config is a {type(config).__name__}, and {algorithm} takes {config_class.__name__}."
            raise ConfigError(told, f"Give one of {algorithm}, or name its algorithm.")
        self.fields: dict[str, Field] = {}
        self._guard = Guard()  # a cell may change the form while a click on it is served in another thread
        self._waits = 0
        self._told = ""
        self._look = Look()
        super().__init__(layout=self._look.shown, children=self._make_parts())
        self._dom_classes = ("rlkit-form",)
        with self._at_once():
            self._take(algorithm, env_id)
            if config is not None:
                self._begin_with(config)

    def choose(self, algorithm: str, env_id: str | None = None) -> None:
        """Change algorithm and environment, and keep what the person changed where it is right there, too.

        Args:
            algorithm: Its name.
            env_id: Gymnasium id of the environment.

        Raises:
            UnknownAlgorithmError: There is no such algorithm.
        """
        kept = self.changes
        with self._at_once():
            self._take(algorithm, env_id)
            for name in kept.keys() & self.fields.keys():
                with suppress(ConfigError):  # the same name may have other bounds here
                    self.fields[name].value = kept[name]

    def reset(self) -> None:
        """Undo all that the person changed or entered."""
        with self._at_once():
            for field in self.fields.values():
                field.reset()

    @property
    def changes(self) -> dict[str, Any]:
        """What the person changed: plain data by name."""
        return {name: field.value for name, field in self.fields.items() if field.changed}

    def twin(self) -> dict[str, str]:
        """Return what stands for the form where no widget can: its values as HTML and as text, by MIME type."""
        title = f"{self.algorithm} for {self.env_id}" if self.env_id else self.algorithm
        problems = [self._told, *(field.problem for field in self.fields.values())]
        wrong = "\n".join(each for each in problems if each)
        rows = [(f.name, f.value, f.source, f.hyperparameter.meaning) for f in self.fields.values()]
        return settings(title, self.line, wrong, rows)

    def _make_parts(self) -> list[ipywidgets.Widget]:
        make = self._look.make
        self.presets = make(
            ipywidgets.Dropdown, "rlkit-presets", **labelled("preset", "Values that are known to work well.")
        )
        self.search = make(
            ipywidgets.Text,
            "rlkit-search",
            placeholder="in names and meanings",
            **labelled("search", "Show only the settings whose name or meaning contains these words."),
        )
        self.reset_all = make(
            ipywidgets.Button, "rlkit-reset", description="reset all", tooltip="Undo all that you changed."
        )
        self.problem = make(ipywidgets.HTML, "rlkit-problem")
        self.common = make(ipywidgets.VBox, "rlkit-fields")
        self.more = Fold(self._look)
        self.none_found = make(ipywidgets.HTML)
        self.line_shown, self.cell_shown = (
            make(Copyable, label=label, placeholder="Something is wrong above.") for label in ("the line", "the YAML")
        )
        self.presets.observe(self._choose_preset, "value")
        self.search.observe(self._filter, "value")
        self.reset_all.on_click(lambda _: self.reset())
        return [
            self._look.sheet(),
            make(ipywidgets.HBox, "rlkit-head", children=[self.presets, self.search, self.reset_all]),
            self.problem,
            self.common,
            self.more,
            self.none_found,
            make(ipywidgets.VBox, "rlkit-written", children=[self.line_shown, self.cell_shown]),
        ]

    def _take(self, algorithm: str, env_id: str | None) -> None:
        """Show the fields of an algorithm, and the presets that it has."""
        model_class = factory.get(algorithm)
        if model_class.algorithm != self.algorithm:
            self.set_trait("algorithm", model_class.algorithm)
            self._make_fields(model_class.Config)
        self.set_trait("env_id", env_id)
        try:
            self._config({})
        except ConfigError:  # the preset is one of the algorithm before
            self.preset = "auto"
        self._offer_presets()

    def _make_fields(self, config_class: type[ModelConfig]) -> None:
        before = list(self.fields.values())
        self._config_class = config_class
        self.fields = {name: Field(config_class, name, self._look) for name in config_class.hyperparameters()}
        for field in self.fields.values():
            field.observe(self._update, ["value", "changed", "error"])
        self.common.children = [field for field in self.fields.values() if field.hyperparameter.common]
        self.more.inside = tuple(field for field in self.fields.values() if not field.hyperparameter.common)
        for field in before:
            close(field)

    def _offer_presets(self) -> None:
        file = self._config_class.preset_file
        offered = {
            "auto": f"auto: {self._automatic or 'none'}",
            **{name: name for name in ["none", *presets.names(file)]},
        }
        offered.setdefault(self.preset, self.preset)
        with self._at_once():
            self.presets.options = [(label, name) for name, label in offered.items()]
            self.presets.value = self.preset

    def _begin_with(self, config: ModelConfig) -> None:
        """Change fields until the form says what a config does."""
        state = config.get_state()
        if state["preset"] != self._automatic:
            try:
                self.preset = state["preset"] or "none"
            except ConfigError:  # one that is shipped no longer
                self.preset = "none"
        self._offer_presets()
        for names in (state["caller"], state["values"]):  # the rest where something outside adjusted it
            for name in names:
                self.fields[name].value = state["values"][name]
            self._resolve()

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Update once, after several changes."""
        with self._guard.lock:
            self._waits += 1
            try:
                yield
            finally:
                self._waits -= 1
            self._update()

    def _update(self, _: object = None) -> None:
        """Judge the whole, and show it wherever it shows."""
        with self._guard.lock:
            if self._waits:
                return
            self._waits += 1
            try:
                config = self._resolve()
                self.config = None if any(field.error for field in self.fields.values()) else config
                self._write()
                self.reset_all.disabled = not any(field.changed or field.error for field in self.fields.values())
                self._filter()
            finally:
                self._waits -= 1
            self.renew()

    def _resolve(self) -> ModelConfig | None:
        """Return the config of the fields' values, and tell the fields of it; None where they do not go together."""
        unchanged, conflict = self._config({}), None
        config: ModelConfig | None = None
        try:
            config = self._config(self.changes)
        except ConfigError as error:
            conflict = error
        known = config or unchanged
        values, sources = known.to_dict(), known.sources
        for name, value in unchanged.to_dict().items():
            if sources[name] == "caller":
                self.fields[name].begin(value, unchanged.sources[name])
            else:
                self.fields[name].begin(values[name], sources[name])
        self._place(conflict)
        return config

    @property
    def _preset_env(self) -> str | None:
        return None if self.env_id is None else env_id_of(self.env_id)

    @property
    def _automatic(self) -> str:
        """Name of the preset that ``"auto"`` means; empty for none."""
        return presets.choose(self._config_class.preset_file, self._preset_env, "auto")[0]

    def _config(self, values: dict[str, Any]) -> ModelConfig:
        preset = None if self.preset == "none" else self.preset
        return self._config_class.resolve(values, env_id=self._preset_env, preset=preset)

    def _place(self, conflict: ConfigError | None) -> None:
        """Show how values do not go together at the field that this begins with, else at the top."""
        message = "" if conflict is None else str(conflict)
        name = message.partition(" ")[0]
        for field in self.fields.values():
            field.conflict = message if field.name == name else ""
        self._told = "" if name in self.fields else message
        self.problem.value = problem(self._told)
        self.problem.layout = self._look.layout(shown=bool(self._told))

    def _write(self) -> None:
        if self.config is None:
            self.line = self.yaml = self.line_shown.text = self.cell_shown.text = ""
            return
        options = writing.options(self.changes, self._config_class.hyperparameters())
        self.line = " ".join(["%rl_create", writing.call(self.algorithm, self.env_id, self.preset), *options])
        self.yaml = writing.block(self.config)
        self.line_shown.text = self.line
        self.cell_shown.text = f"%%rl_config {writing.call(self.algorithm, self.env_id)}\n{self.yaml}"

    @validate("preset")
    def _check_preset(self, proposal: Any) -> Any:
        preset = proposal["value"]
        presets.choose(self._config_class.preset_file, None, None if preset == "none" else preset)
        return preset

    @observe("preset")
    def _show_preset(self, _: object) -> None:
        if not self._waits:
            self._offer_presets()

    def _choose_preset(self, change: Any) -> None:
        if not self._waits:
            self.preset = change["new"]

    def _filter(self, _: object = None) -> None:
        """Show what is searched, and what is wrong wherever it is."""
        words = self.search.value.strip()
        found = [field for field in self.fields.values() if field.problem or field.matches(words)]
        for field in self.fields.values():
            field.layout = self._look.layout(shown=field in found)
        rest = [field for field in found if not field.hyperparameter.common]
        changed = sum(field.changed for field in rest)
        settings = "1 setting" if len(rest) == 1 else f"{len(rest)} settings"
        self.more.title = f"More, {settings}" + (f", {changed} changed" if changed else "")
        self.more.forced = bool(words and rest) or any(field.problem for field in rest)
        self.more.layout = self._look.layout(shown=bool(rest))
        self.none_found.value = "" if found else html.plain(f"No setting of {self.algorithm} says {words!r}.")
