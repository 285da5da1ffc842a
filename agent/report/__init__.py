"""How results are shown: a report is built of blocks that know no renderer, and show() renders it."""
