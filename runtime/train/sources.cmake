list(APPEND DRAWLOOM_RUNTIME_SOURCES train/ProgramAdapter.cpp train/TrainSpec.cpp train/InitialWeights.cpp train/ModelData.cpp train/Schedule.cpp train/LossScaler.cpp
  train/Crc32c.cpp train/EventFile.cpp train/RunLog.cpp train/Progress.cpp train/Signals.cpp train/PeakRate.cpp
  train/Evaluate.cpp train/StepRunner.cpp train/Resume.cpp train/Trainer.cpp train/ChooseWeights.cpp
  train/Options.cpp train/TrainCommand.cpp train/EvalCommand.cpp train/DataCommand.cpp)
