"""Litestar as all doors use it: without the plugins that nothing here needs."""

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin


class LitestarDoors(Litestar):
    """Litestar for requests and answers made of msgspec records.

    Notes
    -----
    Wherever Pydantic is installed Litestar would import it, which is a tenth of a second and some
    megabytes at every start. Should a later version ask for its plugins by another name, it does
    so again, and nothing else changes.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]
