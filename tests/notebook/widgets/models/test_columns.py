from rlkit.notebook.widgets.models.columns import columns_for, rows_of


def texts(versions):
    columns = columns_for(versions)
    return [[cell["text"] for cell in row["cells"]] for row in rows_of(columns, versions)]


def titles(versions):
    return [column.title for column in columns_for(versions)]


def test_a_row_says_what_people_choose_by(keep, registry):
    keep(tags=["sweep"], metrics={"mean_return": 2.5, "loss": 1.0})
    registry.set_alias("cartpole", "best", 1)
    version = registry.get("cartpole:1")
    (row,) = rows_of(columns_for([version]), [version])
    assert row["key"] == "cartpole:1"
    said = [cell["text"] for cell in row["cells"]]
    assert said[:6] == ["cartpole:1", "ppo", "CartPole-v1", "2.50", "1", "1,000"]
    assert said[7] == version.created[:16].replace("T", " ")
    assert said[8].endswith("B")
    assert [cell["marks"] for cell in row["cells"] if cell["marks"]] == [["@best"], ["sweep"]]


def test_the_metrics_that_occur_have_columns_the_mean_return_first_and_no_detail_of_an_evaluation(keep):
    versions = [keep(metrics={"loss": 1.0, "std_return": 2.0}), keep(metrics={"mean_return": 3.0})]
    assert titles(versions)[3:5] == ["mean return", "loss"]
    assert "std return" not in titles(versions)
    assert [row[3] for row in texts(versions)] == ["\N{EN DASH}", "3"]


def test_of_many_metrics_the_first_have_columns(keep):
    version = keep(metrics={f"m{i}": 1.0 for i in range(9)})
    assert titles([version])[3:-4] == ["m0", "m1", "m2", "m3"]


def test_every_column_can_be_sorted_by(keep, registry):
    version = keep(tags=["a"])
    for column in columns_for([version]):
        assert registry.search(order_by=column.name) == [version]


def test_many_tags_and_long_words_are_cut(keep):
    version = keep(tags=["x" * 100, *"abcdefg"])
    (row,) = rows_of(columns_for([version]), [version])
    (marks,) = [cell["marks"] for cell in row["cells"] if cell["marks"]]
    assert "…" in marks[0]
    assert marks[1:] == ["a", "b", "c", "and 4 more"]
    assert len(marks[0]) <= 40
