"""Which files cannot be read?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.datasets._source import MAX_BROKEN_SHARE
from engine.doctor._base import CHECKS, MAX_EXAMPLES, OK, SEVERE, WARNING, Check, Example, Finding
from engine.doctor._look import Evidence


def look(evidence: Evidence) -> Iterator[Finding]:
    """Files that are no images, with the reasons."""
    n_broken = len(evidence.broken)
    if not n_broken:
        yield Finding("broken_files", OK, f"All {evidence.n_looked:,} images can be read", "Nothing is left out.", "")
        return
    share = n_broken / evidence.n_looked
    reasons = Counter(reason for _, reason in evidence.broken)
    told = "; ".join(f"{reason} ({n})" for reason, n in reasons.most_common(5))
    many = share > MAX_BROKEN_SHARE
    yield Finding(
        "broken_files",
        SEVERE if many else WARNING,
        f"{n_broken:,} of {evidence.n_looked:,} files cannot be read",
        f"Reasons: {told}. "
        + (
            f"With more than {MAX_BROKEN_SHARE:.0%} broken, runs refuse these data."
            if many
            else "Runs leave these files out and name them."
        ),
        "Repair or remove these files; broken copies often come from a download or a card that was cut off.",
        {"broken": n_broken, "share": round(share, 4)},
        tuple(
            Example(
                index,
                f"{evidence.names[index]}: {reason}",
                evidence.info.class_names[int(evidence.all_labels[index])],
                str(evidence.all_parts[index]),
            )
            for index, reason in evidence.broken[:MAX_EXAMPLES]
        ),
    )


CHECKS.register(Check("broken_files", "Files that cannot be read", look))
