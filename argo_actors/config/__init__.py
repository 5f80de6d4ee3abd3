"""The typed shape of `config/*.json`: strict, frozen, every default and unit beside its key.

An unknown key, a wrong type or an impossible value stops the start with the key's path, what was found,
what is allowed and the nearest spelling (design §9). Secrets are never here.
"""

from .account import FAMILY_OF as FAMILY_OF
from .account import Config as Config
from .account import amount as amount
from .account import families as families
from .account import is_coin as is_coin
from .account import loss_day_start as loss_day_start
from .account import loss_limits as loss_limits
from .account import loss_rules as loss_rules
from .account import multipliers as multipliers
from .account import warnings as warnings
from .blocks import Broker as Broker
from .blocks import Clock as Clock
from .blocks import Consensus as Consensus
from .blocks import Journal as Journal
from .blocks import PropFirm as PropFirm
from .blocks import RestartPolicy as RestartPolicy
from .blocks import Risk as Risk
from .blocks import Source as Source
from .blocks import SymbolOverride as SymbolOverride
from .blocks import Trading as Trading
from .file import config_hash as config_hash
from .file import decode as decode
from .file import encode as encode
from .file import override as override
from .file import read as read
