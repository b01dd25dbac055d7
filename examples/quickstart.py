"""From prices to a scorecard in a few lines: ``python examples/quickstart.py``."""

import geiger

prices = geiger.load_prices("AAPL")  # embedded; a path of a CSV file works as well
experiment = geiger.Experiment("AAPL", model="ridge", config=geiger.recipe("quick"), prices=prices)
run = geiger.run(experiment)

print(run.status, run.evaluation.health.meaning)
for figure in run.evaluation.figures:
    print(figure.name, figure.value)
print(run.evaluation.ledger.tail(3))
