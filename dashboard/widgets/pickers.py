"""The choices of the Lab: data, backbone, strategies, seeds and labels, training; `draft` holds them."""

from __future__ import annotations

import streamlit as st

from dashboard import choices, state
from dashboard.choices import FOLDER, MAX_SEEDS
from dashboard.widgets import backbone_search, dataset_words, doctor, download, draft
from dashboard.widgets.literal import literal
from dashboard.widgets.size import size
from engine import budgets
from engine.backbones import BACKBONES, Card, cached
from engine.datasets import DatasetInfo
from engine.errors import SpecError, TransferscopeError

WEIGHTS = {"pretrained": "Pretrained", "random": "Random (control)", "file": "Your own file"}
LABELS = ("20", "50", "100", "200", "500", "1000", "1/class", "5/class", "20/class", "1%", "10%", "vtab")


def data() -> DatasetInfo | None:
    """Choose the target task; returns what is known of it, or None where it cannot be used (said on the page)."""
    names = state.dataset_names()
    labels = dataset_words.grouped(names, state.info) | {FOLDER: "Your own folder"}
    given = draft.start("data")
    labels.setdefault(given, given)  # of a link: shown as it is, with what is wrong with it
    options = list(labels)
    st.selectbox(
        "Target task", options, options.index(given), key=draft.key("data"), format_func=labels.get,
        label_visibility="collapsed",
    )  # fmt: skip
    if draft.value("data") == FOLDER:
        st.text_input(
            "Folder on this machine",
            draft.start("folder"),
            key=draft.key("folder"),
            placeholder="~/pictures/flowers",
            help="One folder per class: flowers/daisy/1.jpg, flowers/rose/7.jpg; or train, val and test folders that hold"
            " the class folders. Images are read where they are: nothing is copied or sent anywhere.",
        )
    try:
        info = state.info(choices.data_name(draft.values()))
    except TransferscopeError as error:
        _say(error)
        return None
    _data_card(info)
    doctor.summary(info.name)
    return info


def _data_card(info: DatasetInfo) -> None:
    st.markdown(literal(info.summary))
    for line in dataset_words.card(info):
        st.caption(line)


def backbone() -> Card | None:
    """Choose the pretrained network; returns its card, or None where there is none (said on the page)."""
    if found := backbone_search.picked():
        st.session_state[draft.key("backbone")] = found
    names = [name for family in BACKBONES for name in family.names()]
    shipped = {name: card.label for name in names if (card := _known(name))}
    offered = dict.fromkeys([*names, draft.start("backbone"), draft.value("backbone")])
    options = sorted(offered, key=lambda n: n not in shipped)
    st.selectbox(
        "Network", options, options.index(draft.start("backbone")), key=draft.key("backbone"),
        accept_new_options=True, label_visibility="collapsed",
        format_func=lambda name: f"{shipped[name]}, ready here" if name in shipped else name,
        placeholder="Choose, or type the name of any timm model",
    )  # fmt: skip
    backbone_search.button()
    st.segmented_control(
        "It starts from", WEIGHTS, default=draft.start("weights"), format_func=WEIGHTS.get, key=draft.key("weights"),
        required=True,
        help="Pretrained: what the network learned from its source data. Random: the same network knowing nothing; the"
        " control that shows what pretraining is worth. Your own file: a .safetensors file with weights of this network.",
    )  # fmt: skip
    if draft.value("weights") == "file":
        st.text_input(
            "Path of the .safetensors file on this machine", draft.start("weights-file"), key=draft.key("weights-file")
        )
    try:
        with st.spinner("Reading the network's layers. The first time this takes up to ten seconds."):
            card = state.card(choices.backbone_name(draft.values()))
    except TransferscopeError as error:
        _say(error)
        return None
    _backbone_card(card, draft.value("weights"))
    return card


def _known(name: str) -> Card | None:
    for family in BACKBONES:
        if family.accepts(name):
            return family.card(name)
    return None


def _backbone_card(card: Card, weights: str) -> None:
    st.markdown(literal(card.summary))
    learned = f" · learned from {literal(card.source_data)}" if card.source_data else ""
    licence = f" · licence: {literal(card.licence)}" if card.licence else ""
    shape = " x ".join(map(str, card.input_size[1:]))
    st.caption(f"{card.parameters:,} parameters · {card.n_units} units · sees {shape} pixels{learned}{licence}")
    if weights == "pretrained":
        st.caption(_weights_words(card))
        if to_download(card):
            download.weights(card.name, card.weights_bytes)
    for note in card.notes:
        st.caption(literal(note))


def to_download(card: Card) -> bool:
    """Whether a backbone's weights are known and not on this machine."""
    return card.weights.startswith("hub:") and not cached(card.weights.removeprefix("hub:"))


def _weights_words(card: Card) -> str:
    if card.weights.startswith("assets:"):
        return ":material/check: Its weights came with Transferscope: nothing to download."
    if not card.weights:
        return (
            ":material/warning: No pretrained weights are known by this name: choose random weights or your own file."
        )
    repository = card.weights.removeprefix("hub:")
    source = literal(repository)
    if not to_download(card):
        return f":material/check: Its weights are on this machine already ({source}): nothing to download."
    how_much = f"about {size(card.weights_bytes)} " if card.weights_bytes else ""
    return f":material/download: Its weights are downloaded once from the Hugging Face hub ({how_much}from {source})."


def repetitions(info: DatasetInfo | None) -> None:
    """Choose how often everything is repeated, and with how many labels."""
    st.slider(
        "Seeds", 1, MAX_SEEDS, draft.start("seeds"), key=draft.key("seeds"), disabled=bool(draft.value("seed-list")),
        help="A seed decides which images are labelled, the start of the head and the order of the images. Every cell is"
        " repeated with each seed, and strategies are compared seed by seed.",
    )  # fmt: skip
    st.caption(seeds_words(draft.value("seeds"), draft.value("seed-list")))
    given = draft.start("labels")
    st.multiselect(
        "Label budgets", list(dict.fromkeys([*LABELS, *given])), given, key=draft.key("labels"), accept_new_options=True,
        format_func=budget_words,
        placeholder=f"All {info.n_pool:,} labels" if info else "All labels",
        help="How many labelled images are used: a number of images, training and validation together; 5/class for 5 training"
        " images of each class (and a quarter as many to validate); 10% of the images; or vtab, 800 to train and 200 to"
        " validate. Type any of them. Budgets are nested: a larger one contains the smaller. Several are compared with each"
        " other. Empty: all labels. The test images are always the same.",
    )  # fmt: skip


def budgets_chosen() -> tuple[budgets.Budget | None, ...]:
    """The label budgets that are chosen and can be used, smallest first; None stands for all labels."""
    found: list[budgets.Budget] = []
    for text in draft.value("labels"):
        try:
            found.append(budgets.parse("label_budgets", text))
        except SpecError:  # said beside the cost
            continue
    return tuple(sorted(dict.fromkeys(found), key=budgets.order)) or (None,)


def budget_words(text: str) -> str:
    """A budget as the picker shows it: "5 per class"; what is typed and cannot be used stays as it is."""
    try:
        return budgets.words(budgets.parse("label_budgets", text))
    except SpecError:
        return text


def seeds_words(n: int, listed: str) -> str:
    """What a number of seeds is good for."""
    if listed:
        return "The seeds are listed under Training settings."
    if n < 3:
        return f"{n} seed{'s' if n > 1 else ''}: a first look. Differences may be luck."
    if n < 6:
        return f"{n} seeds: enough to explore. Six or more support a claim."
    return f"{n} seeds: enough to support a claim, if the interval agrees."


def _say(error: TransferscopeError) -> None:
    # A field that is still empty is no mistake.
    (st.info if isinstance(error, SpecError) else st.error)(literal(error), icon=":material/info:")
