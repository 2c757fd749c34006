"""A folder → its settings and its asv configuration."""

from __future__ import annotations

from pathlib import Path

from odyssey_asv import config as configuration
from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config


def open_project(folder: Path, asv_conf: str | None = None) -> tuple[Config, AsvConfig]:
    """The settings that hold in a folder, and the asv configuration: the one named, the one that the
    settings name, else the nearest. Raises `InvalidInputError` where there is none."""
    config = configuration.load(folder)
    return config, asv_of(folder, config, asv_conf)


def asv_of(folder: Path, config: Config, asv_conf: str | None = None) -> AsvConfig:
    """The asv configuration of a folder whose settings are known; see `open_project`."""
    if asv_conf is not None:
        return asv_config.load(asv_config.find(folder, asv_conf))
    if config.asv_config is not None:
        return asv_config.load(asv_config.find(config.root, config.asv_config))
    return asv_config.load(asv_config.find(folder))
