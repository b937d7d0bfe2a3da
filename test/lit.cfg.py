# lit's configuration for the .mlir tests of every subject folder. Run by ./dev test, or: lit -v build/release/test/passes
import os

import lit.formats

config.name = "drawloom"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["data", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.drawloom_build, "test")

tools = [os.path.join(config.drawloom_build, "bin"), config.llvm_tools]
config.environment["PATH"] = os.pathsep.join(tools + [os.environ.get("PATH", "")])

# The packaged MLIR has no assertions: the verifier between passes is what catches a pass that breaks the IR.
config.substitutions.append((r"(?<![\w/.-])drawloom-opt\b(?![\w.-])", "drawloom-opt --verify-each"))
