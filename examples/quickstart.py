"""From prices to an answer in a few lines: ``python examples/quickstart.py``."""

import geiger

run = geiger.run(geiger.Experiment("AAPL", model="ridge", config=geiger.recipe("quick")))
print(run.status, run.verdict.answer)
print(run.forecasts, run.ledger)

for figure in run.evaluation.figures:
    print(figure.name, figure.value)
