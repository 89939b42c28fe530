"""The optimiser and the rate of strategies that train a few parameters in a frozen network, where an experiment names none.

Their papers use Adam or AdamW (Adafactor in two), and rates one to two orders of magnitude above those of full fine-tuning of
the same network: adapters 3e-5 to 3e-3 (Houlsby et al. 2019, section 3) and BitFit 1e-4 to 1e-3 (Ben Zaken et al. 2022,
appendix) against 1e-5 to 5e-5; LoRA 4e-4 to 5e-4 for RoBERTa (Hu et al. 2022, appendix D); prompts 0.3 against 1e-3 (Lester et
al. 2021, section 3). What is added starts at zero, or moves few numbers: the same change of the function takes larger steps.

Each pair is the factor without attention and with it: the papers' networks are transformers, and in convolutional networks,
whose frozen batch normalisation does not absorb larger activations, a third of it did better. Low rank steps less, because its
update reaches every layer with alpha / rank = 2; prompts more, as in their papers.

Looked at on seed 100 of digits with 50 labels, test accuracy, one training each, so that a few points mean nothing. The
README's table has other seeds and so other training images, but the same 790 test images: for these factors it is no unseen
test. resnet20_cifar10 (probe .77): LoRA .76, .83 and .49 at .001, .003 and .01 (SGD at .02: .69); BitFit .70 and .71 at .01
and .03; adapters .73 and .70 at .003 and .01; SSF .74, normalisation only .72 at .01. plain8_cifar10 (probe .84): LoRA .85 at
.003. vit_cifar10 (probe .66, full fine-tuning .61 at .001 and .60 at .003): LoRA .59 and .78 at .003 and .01; adapters .63
and .68, BitFit .47 and .52 at .01 and .03; SSF .73 at .03; deep prompts .30 and .53 at .01 and .1. On resnet20_cifar10 and
shapes:1, seed 100, at .01: adapters .64, BitFit .46, full fine-tuning (SGD at .02) .54, probe .45. IA3 .72 on
resnet20_cifar10 and .75 on plain8_cifar10 at .01, .62 on vit_cifar10 at .03; plain8_cifar10, BitFit .76 at .01, full fine-
tuning .76. Beginning from the solved probe changed little (LoRA .84, BitFit .74 and, on vit_cifar10, .59; deep prompts .46),
so it is left out. The factors were then looked at again after 200 steps (`engine.recipes`, same images that no run used):
on resnet20_cifar10 and plain8_cifar10 (seeds 101 and 102) BitFit .76 to .83 at .01 and .75 to .81 at .03, LoRA .81 to .92 at
.003, IA3 .77 to .85 at .01 and .70 to .79 at .003; on vit_cifar10 adapters .69 and .78, SSF .69 and .74, IA3 .72 and .77,
normalisation only .68 and .72 at .01 and .03, deep prompts .69 and .73 at .03 and .1. They stayed as they were.
"""

OPTIMIZER = "adamw"
SELECTED = (10.0, 30.0)
"""Of what is put beside layers, or selected among the network's own parameters."""
LOW_RANK = (3.0, 10.0)
PROMPTS = (100.0, 100.0)
"""Of learned tokens, and of keys and values before those of the image: in transformers only."""
