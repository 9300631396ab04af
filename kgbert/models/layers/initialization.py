"""Initialise the new modules of a fused model by module type."""

from functools import singledispatch
from typing import Any

import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, RGCNConv
from transformers import initialization

from kgbert.models.layers.graph_encoder import GraphEncoder
from kgbert.models.layers.knowledge_attention import AlignedLinear, KnowledgeAttention, ZeroLinear


@singledispatch
def init_module_weights(module: nn.Module) -> None:
    """Initialise the direct parameters of a module.

    The initialisers of transformers skip parameters that were loaded from a checkpoint.
    """


@init_module_weights.register
def _(module: nn.Linear) -> None:
    initialization.xavier_uniform_(module.weight)
    _init_bias(module)


@init_module_weights.register
def _(module: AlignedLinear) -> None:
    initialization.eye_(module.weight)
    missing = module.out_features - module.in_features
    if missing > 0 and module.padding_std:
        noise = torch.randn(missing, module.in_features) * module.padding_std
        aligned = torch.cat([torch.eye(module.in_features), noise])
        initialization.copy_(module.weight, aligned.to(module.weight))
    _init_bias(module)


@init_module_weights.register
def _(module: ZeroLinear) -> None:
    initialization.zeros_(module.weight)
    _init_bias(module)


@init_module_weights.register
def _(module: KnowledgeAttention) -> None:
    initialization.normal_(module.null_key, std=0.02)
    initialization.zeros_(module.gate)


@init_module_weights.register
def _(module: GraphEncoder) -> None:
    initialization.zeros_(module.layer_scale)


@init_module_weights.register
def _(module: nn.Embedding) -> None:
    initialization.normal_(module.weight, std=0.1)


@init_module_weights.register
def _(module: nn.LayerNorm) -> None:
    initialization.ones_(module.weight)
    initialization.zeros_(module.bias)


@init_module_weights.register(GATv2Conv)
@init_module_weights.register(RGCNConv)
def _(module: Any) -> None:
    module.reset_parameters()


def _init_bias(module: nn.Linear) -> None:
    if module.bias is not None:
        initialization.zeros_(module.bias)
