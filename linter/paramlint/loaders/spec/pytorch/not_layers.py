"""What torch.nn has that is no layer of a network: containers and losses. Refused with what to write instead."""

from __future__ import annotations

from paramlint.loaders.spec.vocabulary import PYTORCH, Built, Call, layer

_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel")
_LOSSES = (
    *("BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss"),
    *("HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "LinearCrossEntropyLoss", "MSELoss"),
    *("MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss"),
    *("PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"),
)


def _container(call: Call) -> Built:
    call.fail(f"{call.type} only holds layers", None, "list the layers themselves, or name them as a block")


def _loss(call: Call) -> Built:
    call.fail(f"{call.type} is a training loss, not a layer of the network", None, "leave it out")


for _name in _CONTAINERS:
    layer(PYTORCH, _name, "Holds layers; write them as a list or a block instead.", refused=True)(_container)
for _name in _LOSSES:
    layer(PYTORCH, _name, "A training loss, no layer of a network.", refused=True)(_loss)
