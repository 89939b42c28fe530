"""The published curves of layer transfer, for comparison: top-1 accuracy on halves of ImageNet, 1,000 classes.

Yosinski, Clune, Bengio, Lipson, "How transferable are features in deep neural networks?", NIPS 2014, figure 2. The numbers
are means over the runs whose logs the authors published (github.com/yosinski/convnet_transfer, results), each run by the
mean of its ten best validations, the convention of their notebook; AlexNet, whose eighth layer is the classifier.
"""

from __future__ import annotations

SOURCE = "Yosinski et al. 2014, ImageNet halves, from the authors' logs"
N_UNITS = 7
BASE_B = 0.6251
CURVES = {
    "BnB": (0.6267, 0.6235, 0.6211, 0.6048, 0.5935, 0.6188, 0.6232),
    "AnB": (0.6282, 0.6239, 0.6189, 0.5998, 0.5780, 0.5806, 0.5425),
    "BnB+": (0.6177, 0.6215, 0.6313, 0.6287, 0.6301, 0.6276, 0.6266),
    "AnB+": (0.6373, 0.6358, 0.6426, 0.6398, 0.6446, 0.6460, 0.6465),
}
"""Accuracy at n = 1..7 copied layers."""
