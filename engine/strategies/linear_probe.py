"""Linear probe (feature extraction): the whole backbone is fixed, a linear head is solved on its pooled features."""

from engine.strategies._base import STRATEGIES, Strategy

STRATEGIES.register(
    Strategy(
        name="linear_probe",
        label="Linear probe",
        summary="Everything frozen; only a linear classifier on the last features is fitted.",
        source="Razavian et al. 2014; Alain & Bengio 2016; protocol of Kornblith et al. 2019, section 3",
        depths=lambda n_units, asked: (n_units,),
        solves_head=True,
        control=True,
    )
)
