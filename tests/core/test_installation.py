"""Two places are compared by the parts they both have."""

import pytest

from integration.core.installation import InstallationPlace

HERE = {"machine": "m1", "path": "/data/console.sqlite", "inode": "7", "adapters": "a1,a2"}


@pytest.mark.parametrize(
    ("other", "changed"),
    [
        (HERE, ()),
        ({**HERE, "machine": "m2", "inode": "8"}, ("inode", "machine")),
        ({**HERE, "path": "/copy/console.sqlite"}, ("path",)),
        ({"machine": "m1", "path": "/data/console.sqlite"}, ()),
        ({"path": "/data/console.sqlite", "inode": "7"}, ()),
        ({**HERE, "adapters": "a2,a3"}, ()),
        ({**HERE, "adapters": "a3"}, ("adapters",)),
        ({"server": "7412", "database": "sluis"}, ("adapters", "inode", "machine", "path")),
    ],
)
def test_a_place_differs_by_the_parts_that_both_have(other: dict[str, str], changed: tuple[str, ...]) -> None:
    assert InstallationPlace(HERE).changed_parts(InstallationPlace(other)) == changed


def test_the_code_of_a_place_depends_on_all_its_parts_and_names_none() -> None:
    code = InstallationPlace(HERE).code
    assert code == InstallationPlace(dict(reversed(HERE.items()))).code
    assert code != InstallationPlace({**HERE, "inode": "8"}).code
    assert len(code) == 10
