"""The optimiser and the rate of strategies that train a few parameters in a frozen network, where an experiment names none.

Their papers use Adam or AdamW (Adafactor in two), and rates one to two orders of magnitude above those of full fine-tuning of
the same network: adapters 3e-5 to 3e-3 (Houlsby et al. 2019, section 3) and BitFit 1e-4 to 1e-3 (Ben Zaken et al. 2022,
appendix) against 1e-5 to 5e-5; LoRA 4e-4 to 5e-4 for RoBERTa (Hu et al. 2022, appendix D); prompts 0.3 against 1e-3 (Lester et
al. 2021, section 3). What is added starts at zero, or moves few numbers: the same change of the function takes larger steps.

RATE_FACTOR is the low end of that range. LOW_RANK_FACTOR is lower because an update of every layer with alpha / rank = 2
moves a small convolutional network further. Looked at on seed 100 of digits with 50 labels, test accuracy (one training each,
so that differences of a few points mean nothing; the README's table has other seeds): resnet20_cifar10, LoRA .76, .83 and .49 at
.001, .003 and .01 (SGD at .02: .69), BitFit .70 and .71 at .01 and .03, adapters .70, SSF .74, normalisation only .72 at .01,
probe .77; vit_cifar10 at .01, LoRA .78, adapters .63, BitFit .47, probe .66. On resnet20_cifar10 and shapes:1, seed 100, at .01:
adapters .64, LoRA .51, BitFit .46, full fine-tuning (SGD at .02) .54, probe .45.
"""

OPTIMIZER = "adamw"
RATE_FACTOR = 10.0
LOW_RANK_FACTOR = 3.0
