"""Who else may get at a service's store: what anybody may replace is refused, what anybody may read is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.service_config import StoreConfig
from controller.serving.base import ServeRefused, look_at_store


def looked_at(folder: Path) -> list[str]:
    said: list[str] = []
    look_at_store(StoreConfig(url=f"sqlite:///{folder / 'store.sqlite'}", folder=folder), said.append)
    return said


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_a_folder_is_made_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    look_at_store(StoreConfig(url="postgresql://db/line", folder=folder), pytest.fail)
    assert mode(folder) == 0o700


def test_a_folder_in_which_anybody_may_replace_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ServeRefused, match=r"anybody on this computer may replace what is kept there .* `chmod o-w"):
        looked_at(tmp_path)
    tmp_path.chmod(0o1777)
    assert looked_at(tmp_path) == []


def test_files_that_anybody_may_read_are_closed_and_that_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name in ("store.sqlite", "store.sqlite-wal", "store-trends.sqlite", "other.sqlite"):
        (tmp_path / name).touch(mode=0o644)
        (tmp_path / name).chmod(0o644)
    said = looked_at(tmp_path)
    assert [words.partition(":")[0].rpartition("/")[2] for words in said] == [
        "store.sqlite",
        "store.sqlite-wal",
        "store-trends.sqlite",
    ]
    assert mode(tmp_path / "store.sqlite") == mode(tmp_path / "store-trends.sqlite") == 0o640
    assert mode(tmp_path / "other.sqlite") == 0o644
    assert looked_at(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServeRefused, match=r"store\.folder: .*file/state cannot be made"):
        look_at_store(StoreConfig(url="postgresql://db/line", folder=tmp_path / "file" / "state"), pytest.fail)
