"""Every term of the pages in one place, and the "?" that explains those of a page."""

from __future__ import annotations

import streamlit as st

TERMS = {
    "Backbone": "The pretrained network without its last, deciding layer.",
    "Unit": "A part of the backbone that is frozen or trained as a whole: the stem, or one block. Units are counted from the"
    " image on.",
    "Frozen depth": "How many leading units are kept exactly as they were pretrained: not trained, not in the optimiser,"
    " their running statistics fixed. 0 trains everything.",
    "Linear probe": "Everything is frozen and only a linear classifier on top of it is trained. Measured after a single unit it"
    " says how much of the answer can be read off there.",
    "Full fine-tuning": "Nothing is frozen: frozen depth 0.",
    "From scratch": "The same network with random weights, trained as long. The control: what transfer gains is measured"
    " against it.",
    "Nearest neighbours": "The label that the 20 most similar labelled images vote for, by cosine similarity of their features.",
    "Label budget": "How many labelled images of the target task may be learned from.",
    "Selffer (BnB)": "The first n units come from a network that learned the very same classes (half B); the others start anew."
    " What is lost was lost because units that had learned together were torn apart.",
    "Transfer (AnB)": "The first n units come from a network that learned the other classes (half A). With a plus (AnB+, BnB+)"
    " they go on learning; without it they are frozen.",
    "Co-adaptation": "Base B minus BnB: units that learned together depend on each other, and units that start anew do not find"
    " their way back to them.",
    "Specificity": "BnB minus AnB: what units have learned of their own task and is of no use for another.",
    "Seed": "The number that all chance in a run comes from: which images are drawn, the new head, the order. Runs with several"
    " seeds show how much of a difference is luck.",
    "Test accuracy": "The share of test images classified correctly. They are looked at once per run, after everything was"
    " chosen on validation images.",
    "95 % interval": "Where the mean would lie if the experiment were repeated many times, 95 times out of 100. Over seeds:"
    " Student t. With one seed: over test images (Wilson), which knows nothing of the luck of the seed. Where two intervals"
    " overlap much, the order may be luck.",
    "Forgetting": "What training on the target cost elsewhere. Source accuracy lost: the classifier that came with the weights,"
    " on test images of the source, before minus after. Lost on held tasks: a linear probe solved on tasks that are not the"
    " target, before minus after; it says what can still be read off. Drift: how far the features moved (1 - CKA, mean over the"
    " units), which is no accuracy. From scratch there is nothing to forget.",
    "Paired differences": "Runs with the same seed share split, batches and head, so they are compared with each other, seed by"
    " seed: what is luck for both drops out.",
    "Claim": "A difference that is shown as one: at least 6 pairs, and a paired t-test below .05 after Holm's correction for all"
    " comparisons shown. With fewer pairs chance alone could look like any difference: that is exploring.",
    "Tie letters": "Rows that share a letter cannot be told apart (paired t-tests of all pairs of rows, Holm). They are given"
    " from 6 seeds on.",
    "Pareto front": "The strategies that no other one beats in both accuracy and cost.",
    "Frozen units unchanged": "Every frozen weight and running statistic was hashed before and after training, and the hashes are"
    " equal.",
}


def heading(title: str, *terms: str) -> None:
    """The title of a page, with a "?" that explains its terms (keys of `TERMS`)."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="heading"):
        st.title(title, width="content")
        if terms:
            with st.popover("Words", icon=":material/help:", type="tertiary", help="What the words on this page mean"):
                st.markdown(explained(*terms))


def explained(*terms: str) -> str:
    """The terms with their meaning, as Markdown; also for the `help` of a widget."""
    return "\n\n".join(f"**{term}.** {TERMS[term]}" for term in terms)
