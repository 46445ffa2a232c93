"""The deployment view of a network: what a converter makes of it and a microcontroller runtime executes."""

from paramlint.deploy.model import CONSTANT as CONSTANT
from paramlint.deploy.model import Buffer as Buffer
from paramlint.deploy.model import Constant as Constant
from paramlint.deploy.model import Deployed as Deployed
from paramlint.deploy.model import Operator as Operator
