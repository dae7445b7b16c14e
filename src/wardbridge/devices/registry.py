"""Drivers by name: found by their folder, imported only when a link uses them."""

from __future__ import annotations

import importlib
from types import ModuleType

from wardbridge.core.errors import SettingsError
from wardbridge.devices.driver import Driver, DriverContext
from wardbridge.devices.manifest import DRIVERS, Manifest, read_manifest

PACKAGE = "wardbridge.devices.drivers"


def names() -> list[str]:
    """Every driver that this installation has, without importing one."""
    return sorted(path.parent.name for path in DRIVERS.glob("*/manifest.toml"))


def manifest(name: str) -> Manifest:
    """The manifest of driver ``name``. Raises SettingsError where there is none, or a broken one."""
    _known(name)
    found, problems = read_manifest(DRIVERS / name)
    if found is None:
        raise SettingsError(str(problems[0]), where=f"driver {name}")
    return found


def module(name: str) -> ModuleType:
    """The ``driver`` module of driver ``name``, imported now. Raises SettingsError with the reason."""
    _known(name)
    try:
        return importlib.import_module(f"{PACKAGE}.{name}.driver")
    except ImportError as error:
        raise SettingsError(f"driver {name} cannot be imported: {error}", where=f"driver {name}") from error


def build(name: str, context: DriverContext) -> Driver:
    """A driver for one link. Raises SettingsError for an unknown driver or a wrong configuration."""
    driver: Driver = module(name).build(context)
    return driver


def _known(name: str) -> None:
    if name not in names():
        raise SettingsError(f"no driver {name!r}; there are: {', '.join(names()) or 'none'}", where="driver")
