#!/usr/bin/env bash
# The same rows and the same reward in verl on Ray, for more machines than one. Needs verl 0.9 with vLLM, and
#   pip install ./llmi_schema ./sandbox './llmi_reward[judges,tools]'
# in its environment; rows come from
#   llmi-data convert curated.jsonl train.parquet --to verl
# What may follow are verl's own settings, for example trainer.nnodes=4.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

exec python -m verl.trainer.main_ppo \
  algorithm.adv_estimator=grpo \
  algorithm.use_kl_in_reward=False \
  data.train_files="${TRAIN:-train.parquet}" \
  data.val_files="${TEST:-test.parquet}" \
  data.train_batch_size=64 \
  data.max_prompt_length=1024 \
  data.max_response_length=4096 \
  data.image_key=images \
  actor_rollout_ref.model.path="${MODEL:-Qwen/Qwen3-4B-Instruct-2507}" \
  actor_rollout_ref.model.lora_rank=32 \
  actor_rollout_ref.model.lora_alpha=64 \
  actor_rollout_ref.model.target_modules=all-linear \
  actor_rollout_ref.actor.optim.lr=1e-5 \
  actor_rollout_ref.actor.ppo_mini_batch_size=64 \
  actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=1 \
  actor_rollout_ref.actor.use_kl_loss=False \
  actor_rollout_ref.actor.clip_ratio_low=0.2 \
  actor_rollout_ref.actor.clip_ratio_high=0.28 \
  actor_rollout_ref.actor.clip_ratio_c=10.0 \
  actor_rollout_ref.actor.loss_agg_mode=token-mean \
  actor_rollout_ref.rollout.name=vllm \
  actor_rollout_ref.rollout.n=8 \
  actor_rollout_ref.rollout.gpu_memory_utilization=0.5 \
  actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=1 \
  actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=1 \
  reward.custom_reward_function.path="$here/verl_reward.py" \
  reward.custom_reward_function.name=compute_score \
  trainer.critic_warmup=0 \
  trainer.n_gpus_per_node="${GPUS:-8}" \
  trainer.nnodes="${NODES:-1}" \
  trainer.logger='["console"]' \
  "$@"
