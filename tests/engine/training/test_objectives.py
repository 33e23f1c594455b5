"""Eq. 4-6: signs and scales."""

from __future__ import annotations

import math

import pytest
import torch

from engine.training.objectives import counterfactual_loss, divergence, dpo_loss, sft_loss


def errors(seed: int) -> torch.Tensor:
    return torch.randn(3, 2, 4, 8, 16, generator=torch.Generator().manual_seed(seed))


def test_sft_is_the_mean_square_and_weights_count_cells_more() -> None:
    error = errors(0)
    assert float(sft_loss(error)) == pytest.approx(float(error.square().mean()))
    assert float(sft_loss(error, torch.ones(3, 2, 1, 8, 16))) == pytest.approx(
        float(sft_loss(error)), rel=1e-5
    )
    weight = torch.zeros(3, 2, 1, 8, 16)
    weight[:, 0] = 1
    assert float(sft_loss(error, weight)) == pytest.approx(float(error[:, 0].square().mean()), rel=1e-5)


def test_dpo_is_ln_2_where_the_model_is_the_reference() -> None:
    found = divergence(errors(1), errors(2))
    assert found.shape == (3,)
    assert float(dpo_loss(found, found, 1000.0)) == pytest.approx(math.log(2))


def test_dpo_falls_when_the_model_fits_the_winner_better_than_the_reference() -> None:
    """The hat is the loser: reading it as the winner would invert training."""
    loser, winner = errors(1), errors(2)
    reference = divergence(loser, winner)
    better = divergence(loser, 0.9 * winner)
    worse = divergence(0.9 * loser, winner)
    assert float(dpo_loss(better, reference, 10.0)) < math.log(2) < float(dpo_loss(worse, reference, 10.0))


def test_swapping_the_labels_negates_the_gradient() -> None:
    """At the start, where model and reference agree."""
    loser, winner = errors(1), errors(2)

    def gradients(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
        dpo_loss(divergence(a, b), divergence(a, b).detach(), 5.0).backward()
        assert a.grad is not None
        assert b.grad is not None
        return a.grad, b.grad

    of_loser, of_winner = gradients(loser, winner)
    swapped_winner, swapped_loser = gradients(winner, loser)
    assert torch.allclose(of_loser, -swapped_loser, atol=1e-7)
    assert torch.allclose(of_winner, -swapped_winner, atol=1e-7)


def test_the_norm_is_a_mean_so_beta_does_not_depend_on_the_size() -> None:
    small, large = errors(1)[:, :, :, :4], errors(1)[:, :, :, :4].repeat(1, 1, 1, 2, 1)
    zero = torch.zeros(3)
    a = dpo_loss(divergence(small, 0 * small), zero, 2.0)
    b = dpo_loss(divergence(large, 0 * large), zero, 2.0)
    assert float(a) == pytest.approx(float(b), rel=1e-5)


def test_a_frame_that_is_its_counterfactual_costs_one_and_a_true_one_nothing() -> None:
    apart = torch.randn(3, 4, 8, 16, generator=torch.Generator().manual_seed(0))
    assert float(counterfactual_loss(torch.zeros_like(apart), apart)) == 0
    assert float(counterfactual_loss(apart, apart)) == pytest.approx(1)
    assert float(counterfactual_loss(0.5 * apart, apart)) == pytest.approx(0.25)
    assert float(counterfactual_loss(7 * apart, 7 * apart)) == pytest.approx(1), "whatever its size"
    across = torch.randn_like(apart)
    across -= apart * ((across * apart).sum((1, 2, 3)) / apart.square().sum((1, 2, 3))).view(-1, 1, 1, 1)
    assert float(counterfactual_loss(across, apart)) == pytest.approx(0, abs=1e-9)
    small = apart / apart.flatten(1).norm(dim=1).view(-1, 1, 1, 1)  # of length 1
    assert float(counterfactual_loss(small, small, least=16)) == pytest.approx(1 / 16)


def test_no_counterfactual_costs_nothing_and_still_has_a_gradient() -> None:
    error = torch.randn(2, 2, 4, 8, 16, requires_grad=True)
    counterfactual_loss(error[:0, 0], error[:0, 0]).backward()
    assert error.grad is not None
    assert float(error.grad.abs().sum()) == 0
