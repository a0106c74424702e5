#!/usr/bin/env bash
# The whole way with small samples, in under ten minutes on two cores: ends with a (bad) model in training/work/smoke/model.
# Run from the repository's root, inside the environment of README.md.
set -euo pipefail
work=training/work/smoke
rm -rf "$work"
python training/prepare.py --smoke --work "$work"
python training/choose.py --smoke --work "$work"
python training/make_tokenizer.py --smoke --work "$work"
python training/check_tokenizer.py --work "$work"
node training/check_tokenizer.mjs "$work"
python training/pack.py --work "$work"
python training/teach.py --work "$work"
python training/initialise.py --work "$work"
python training/pretrain.py --smoke --work "$work"
python training/train.py --smoke --work "$work"
python training/train.py --smoke --work "$work" # nothing is left to do: it resumes at the end
python training/export.py --work "$work" --checkpoint "$work/run-1/model.safetensors" --output "$work/model" --allow-wrong-order
python training/check_export.py --work "$work" --model "$work/model"
python training/evaluate.py --onnx "$work/model/onnx/model_q4.onnx" --tokenizer "$work/model/tokenizer.json" \
  --sets xquad-en,ntrex-x --max-queries 20 --max-passages 50
python training/checkpoint.py split --checkpoint "$work/run-1/model.safetensors" --parts "$work/checkpoint" --work "$work"
python training/checkpoint.py join --checkpoint "$work/joined.safetensors" --parts "$work/checkpoint" --work "$work"
