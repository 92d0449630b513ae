"""What Arm processors compute, without one: mmnet.runtime under emulation, compared byte for byte with this machine.

from mmnet.evaluation.arm.environment import arm_python
from mmnet.evaluation.arm.parity import compare
"""
