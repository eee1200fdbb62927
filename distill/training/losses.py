"""What a student is taught by."""

from __future__ import annotations

import torch
from torch import Tensor


def distillation(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float, gold_weight: float
) -> Tensor:
    """Mean over N rows of (1-g) * T^2 * KL(teacher || student, both at T) + g * cross-entropy with the gold label.

    Logits [N,K]; labels int64 [N], negative where there is none: such a row is taught by the teacher alone.
    A teacher row of NaN is taught by its label alone. T^2 keeps the gradients' size (Hinton et al., 2015,
    "Distilling the Knowledge in a Neural Network").
    """
    taught = ~torch.isnan(teacher_logits).any(dim=1)
    labelled = labels >= 0
    teacher = torch.softmax(torch.where(taught.unsqueeze(1), teacher_logits, 0.0) / temperature, dim=1)
    divergence = torch.nn.functional.kl_div(
        torch.log_softmax(student_logits / temperature, dim=1), teacher, reduction="none"
    ).sum(dim=1)
    gold = torch.nn.functional.cross_entropy(student_logits, labels.clamp(min=0), reduction="none")
    share = torch.where(labelled, torch.where(taught, gold_weight, 1.0), 0.0)
    soft_share = torch.where(taught, 1 - share, 0.0)
    return (soft_share * temperature**2 * divergence + share * gold).mean()
