"""The lines of `cargo bench --bench log_patterns -- --lines FILE`, mined by drain3 with its masks for the same forms.

    python -m venv /tmp/drain3 && /tmp/drain3/bin/pip install drain3
    /tmp/drain3/bin/python benches/beside_drain3.py FILE
"""

import sys
import time

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

config = TemplateMinerConfig()
config.drain_max_clusters = 300
config.masking_instructions = [
    MaskingInstruction(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "*"),
    MaskingInstruction(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "*"),
    MaskingInstruction(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b", "*"),
    MaskingInstruction(r"\d+(?:\.\d+)?(?:ms|s)?", "*"),
]
miner = TemplateMiner(config=config)
lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
begun = time.monotonic()
for line in lines:
    miner.add_log_message(line)
seconds = time.monotonic() - begun
print(f"{len(lines)} lines in {seconds:.3f} s: {len(lines) / seconds:.0f} a second, {len(miner.drain.clusters)} patterns")
