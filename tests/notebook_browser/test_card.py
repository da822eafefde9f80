"""A model card whose description a stranger wrote."""

import pytest
from playwright.sync_api import expect

from .server import KERNELS

DESCRIPTION = """
It **balances** the pole: see [the paper](https://arxiv.org/abs/1810.03993), `gamma = 0.98`.

- small
- quick

It costs $5 and $6, \\\\(x\\\\) and \\begin{align}x\\end{align}.

| a | b |
| --- | --- |
| 1 | 2 |

<img src=x onerror="window.harmed = 1"> <script>window.harmed = 2</script>
<iframe srcdoc="<script>parent.harmed = 3</script>"></iframe>
<details open ontoggle="window.harmed = 4"><summary>x</summary></details>

<svg onload="window.harmed = 5"></svg>

[here](javascript:window.harmed=6) ![a picture](https://tracker.example/pixel.png)

```mermaid
graph LR; a --> b; click a href "javascript:window.harmed=7"
```

# A heading \x1b[31m \u202e

<!-- hidden
"""
CARD = f"""
%load_ext rlkit
import rlkit
agent = rlkit.create("ppo", env="CartPole-v1", seed=0)
agent.train(20_000, progress=False)
rlkit.register(agent, "described", description={DESCRIPTION!r})
%rl_card described
"""


@pytest.mark.parametrize("kernel", list(KERNELS)[:1])
def test_a_description_is_formatted_and_runs_and_asks_for_nothing(notebook, kernel):
    book = notebook(CARD)
    assert book.run_all()
    card = book.cell(0).locator(".jp-RenderedMarkdown")
    expect(card.locator("h2")).to_have_count(8)
    expect(card.locator("strong", has_text="balances")).to_be_visible()
    expect(card.locator("a", has_text="the paper")).to_have_attribute("href", "https://arxiv.org/abs/1810.03993")
    expect(card.locator("a", has_text="a picture")).to_be_visible()
    expect(card).to_contain_text("<script>window.harmed = 2</script>")
    expect(card).to_contain_text(r"It costs $5 and $6, \(x\) and \begin{align}x\end{align}.")
    expect(card.locator("iframe, script, details, svg, mjx-container, [onerror], .jp-RenderedMermaid")).to_have_count(0)
    expect(card.locator("a[href^=javascript]")).to_have_count(0)
    assert book.page.evaluate("window.harmed") is None
    for theme in ("Light", "Dark"):
        book.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})")
        expect(book.page.locator("#jupyterlab-splash")).to_have_count(0)
        book.keep(f"card-{theme.lower()}")
