"""Learn what figures are: `python -m agent.interpret.roles` prints the cross-validation and writes the weights.

`python -m agent.interpret.roles --only` writes weights alone.
"""

import sys

from agent.interpret import read_by_rules
from agent.interpret.doubts import SURE
from agent.interpret.roles.learning import cross_validation, learn
from catalogs.catalog import Catalog

catalog = Catalog.load()
if "--only" not in sys.argv:
    for left_out in cross_validation(lambda text: read_by_rules(text, catalog)):
        sure, right = left_out.sure(SURE)
        print(
            f"{left_out.hand} left out, {left_out.question}: {left_out.examples:,}, {left_out.right:.1%} right; "
            f"{sure:.1%} surely taken for something, {right:.1%} of those right."
        )
learn(lambda text: read_by_rules(text, catalog))
