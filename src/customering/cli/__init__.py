"""The operator's door: one command line over everything."""

import os

# Threads of linear algebra that share cores with other work wait for each other: one is as quick on
# an idle machine and several times quicker on a busy one. Set the variable to have it otherwise.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
