"""Scripts of several files as one."""

from __future__ import annotations

import pytest

from rlkit.display.scripts import joined


@pytest.fixture
def write(tmp_path):
    def write(**files):
        for name, source in files.items():
            (tmp_path / f"{name}.js").write_text(source)
        return tmp_path

    return write


def test_what_is_imported_stands_before_and_is_exported_no_more(write):
    folder = write(
        own='import { b } from "./other.js";\nexport function a() {\n  return b();\n}\nexport default { a };\n',
        other="// What b is.\nexport const b = () => 1;\nexport class C {}\nexport function d() {}\n",
    )
    assert joined(folder / "own.js") == (
        "// What b is.\nconst b = () => 1;\nclass C {}\nfunction d() {}\n\n"
        "export function a() {\n  return b();\n}\nexport default { a };\n"
    )


def test_a_module_that_two_others_import_stands_there_once_before_both(write):
    folder = write(
        own='import { a } from "./one.js";\nimport { b } from "./two.js";\na(b);\n',
        one='import { c } from "./shared.js";\nexport const a = c;\n',
        two='import { c } from "./shared.js";\nexport const b = c;\n',
        shared="export const c = 1;\n",
    )
    source = joined(folder / "own.js")
    assert [source.index(part) for part in ("const c", "const a", "const b", "a(b)")] == sorted(
        source.index(part) for part in ("const c", "const a", "const b", "a(b)")
    )
    assert source.count("const c") == 1
    assert "import" not in source


def test_a_module_that_imports_nothing_stays_as_it_is(write):
    folder = write(own="export const a = 1;\n// import { b } from nowhere\n")
    assert joined(folder / "own.js") == "export const a = 1;\n// import { b } from nowhere\n"


def test_paths_lead_to_other_folders(write, tmp_path):
    write(shared="export const a = 1;\n")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "own.js").write_text('import { a } from "../shared.js";\na;\n')
    assert joined(tmp_path / "below" / "own.js") == "const a = 1;\n\na;\n"
