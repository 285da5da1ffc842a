"""How the tests run: in parallel, and the same on every run, so that a failure is the change's own.

``pytest --hypothesis-profile explore`` draws new examples; .ci/run has all that is thorough.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from catalogs.catalog import Catalog

settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=50)
settings.register_profile("thorough", settings.get_profile("same"), max_examples=100)
settings.register_profile("explore", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Plans and sessions of the tests are kept apart from those of whoever runs them."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The catalog that the program ships."""
    return Catalog.load()


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    """No test of the module asks the hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No workers where single files are named: they take longer to start than most files take."""
    return 0 if all(Path(argument.partition("::")[0]).is_file() for argument in config.args) else None
