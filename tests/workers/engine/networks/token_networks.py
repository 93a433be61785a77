"""Small networks of the shapes that vision transformers have: torchvision's ViT, Swin and ConvNeXt, timm's ViT (class
and register tokens, fused attention), a CLIP tower (tokens first, layer norm before the blocks), a mixer, and sparse
autoencoders on tokens.

timm itself is no dependency: the module follows its shapes and names.
"""

from __future__ import annotations

import torch
import torchvision
from torch import nn
from torch.nn import functional
from torchvision.models.convnext import CNBlockConfig

from workers.engine.networks.preprocessing import Preprocessing

PX, PATCH = 64, 16
SIDE = PX // PATCH


def sized(module: nn.Module) -> nn.Module:
    module.preprocessing = Preprocessing(input_px=PX)  # type: ignore[assignment]
    return module


def multilayer(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class FusedAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj, self.attn_drop = nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Dropout(0.0)
        self.fused = True

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, 4, width // 4).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = self.attn_drop((q @ k.mT / 3).softmax(dim=-1)) @ v
        return torch.as_tensor(self.proj(mixed.transpose(1, 2).reshape(n, tokens, width)))


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = FusedAttention(width), multilayer(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return torch.as_tensor(x + self.mlp(self.norm2(x)))


class RegisterTransformer(nn.Module):
    def __init__(self, *, width: int = 32, n_registers: int = 4) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, PATCH, PATCH)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.reg_token = nn.Parameter(torch.randn(1, n_registers, width))
        self.pos_embed = nn.Parameter(torch.randn(1, SIDE**2, width))
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.norm = nn.LayerNorm(width)

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        before = [one.expand(len(x), -1, -1) for one in (self.cls_token, self.reg_token)]
        return torch.as_tensor(self.norm(self.blocks(torch.cat([*before, patches], dim=1))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tokens(x)[:, 0]


class TokensFirstBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = nn.MultiheadAttention(width, 4), multilayer(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return torch.as_tensor(x + self.mlp(self.ln_2(x)))


class ClipTower(nn.Module):
    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn(SIDE**2 + 1, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.Sequential(TokensFirstBlock(width), TokensFirstBlock(width))
        self.proj = nn.Parameter(torch.randn(width, 12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv1(x).flatten(2).permute(0, 2, 1)
        first = self.class_embedding + torch.zeros(len(x), 1, x.shape[2])
        x = self.ln_pre(torch.cat([first, x], dim=1) + self.positional_embedding)
        x = self.transformer(x.permute(1, 0, 2)).permute(1, 0, 2)
        return torch.as_tensor(self.ln_post(x[:, 0]) @ self.proj)


class MixerBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.token_mix, self.channel_mix = multilayer(SIDE**2, 24), multilayer(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.token_mix(self.norm1(x).mT).mT
        return torch.as_tensor(x + self.channel_mix(self.norm2(x)))


class Mixer(nn.Module):
    def __init__(self, width: int = 36) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, PATCH, PATCH)
        self.blocks = nn.Sequential(MixerBlock(width), MixerBlock(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.blocks(self.stem(x).flatten(2).mT))


class Autoencoder(nn.Module):
    """Latents of every token, of which the largest are kept, or of the class token alone."""

    def __init__(self, *, of_class_token: bool) -> None:
        super().__init__()
        self.body, self.encoder, self.latents = RegisterTransformer(n_registers=0), nn.Linear(32, 96), nn.Identity()
        self.of_class_token = of_class_token

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.body.tokens(x)
        values = self.encoder(tokens[:, 0] if self.of_class_token else tokens).relu()
        top = values.topk(24, dim=-1)
        return torch.as_tensor(self.latents(torch.zeros_like(values).scatter_(-1, top.indices, top.values)))


def register_transformer() -> nn.Module:
    return sized(RegisterTransformer())


def clip_tower() -> nn.Module:
    return sized(ClipTower())


def mixer() -> nn.Module:
    return sized(Mixer())


def token_latents() -> nn.Module:
    return sized(Autoencoder(of_class_token=False))


def image_latents() -> nn.Module:
    return sized(Autoencoder(of_class_token=True))


def transformer() -> nn.Module:
    """torchvision's ViT, narrow and of two blocks."""
    return sized(torchvision.models.VisionTransformer(PX, PATCH, num_layers=2, num_heads=4, hidden_dim=48, mlp_dim=96))


def swin() -> nn.Module:
    """torchvision's Swin, narrow and of two stages, with windows that are shifted."""
    return sized(torchvision.models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [4, 4]))


def convnext() -> nn.Module:
    """torchvision's ConvNeXt, narrow and of two stages."""
    stages = [CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 2)]
    return sized(torchvision.models.ConvNeXt(stages, layer_scale=0.5))


def squeezed_resnet18() -> nn.Module:
    """ResNet-18 with squeeze-excitation after each block's last normalization."""
    module = torchvision.models.resnet18(weights=None)
    for stage in (module.layer1, module.layer2, module.layer3, module.layer4):
        for block in stage:
            width = block.bn2.num_features
            block.bn2 = nn.Sequential(block.bn2, torchvision.ops.SqueezeExcitation(width, width // 4))
    return sized(module)
