"""The adapter inside the real `GRPOTrainer`: a tiny Qwen3 made on the spot, two steps on the CPU."""

import pytest

from llmi_reward import presets
from llmi_reward.integrations.limit import TooManyUnscoredError, UnscoredLimit
from llmi_reward.integrations.trl import trl_reward, trl_reward_plain

pytest.importorskip("trl")
pytest.importorskip("datasets")


@pytest.fixture
def tiny_model(monkeypatch):
    """A model and tokenizer whose every second word is a tag, so that even noise calls tools."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    torch.set_num_threads(1)
    code = '<imgen>{"source":"code","description":"d","params":{"code":"c"}}</imgen>'
    words = ["<pad>", "<eos>", "fox", "draw", "the", "a", code, "<imgen>{}</imgen>", "boom"]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="fox"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<eos>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] + ' ' }}{% endfor %}"
    config = Qwen3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        pad_token_id=0,
        eos_token_id=1,
    )
    return Qwen3ForCausalLM(config), tokenizer


@pytest.fixture
def trainer(tmp_path, tiny_model):
    """A trainer for two steps of sixteen answers, given its reward."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    model, tokenizer = tiny_model
    prompt = [{"role": "user", "content": "draw the fox"}]
    dataset = Dataset.from_list([{"prompt": prompt, "image_count": n, "required_tools": ["code"]} for n in (1, 2)] * 2)
    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=8,
        logging_steps=1,
        log_completions=False,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )

    def build(reward):
        return GRPOTrainer(
            model, reward_funcs=reward, args=arguments, train_dataset=dataset, processing_class=tokenizer
        )

    return build


@pytest.mark.parametrize("kind", [trl_reward, trl_reward_plain])
def test_grpo_trains_on_the_reward(make, trainer, tiny_model, kind):
    async def render(document, inputs):
        if "boom" in str(document):
            raise RuntimeError("boom")
        return make.rendered(str(document), inputs=inputs)

    batches = []
    ends = {tiny_model[1].eos_token_id}
    training = trainer(kind(presets.rules(), render=render, end_tokens=ends, on_batch=batches.append, name="rules"))
    training.train()

    logs = [entry for entry in training.state.log_history if "rewards/rules/mean" in entry]
    assert [batch.step for batch in batches] == [0, 1]
    assert len(logs) == 2
    rows = [row for batch in batches for row in batch.rows]
    assert len(rows) == 16
    for entry, batch in zip(logs, batches, strict=True):
        scored = [row.score.value for row in batch.rows if row.score.value is not None]
        assert entry["rewards/rules/mean"] == pytest.approx(sum(scored) / len(scored), abs=1e-6)
        assert entry["unscored"] == pytest.approx(1 - len(scored) / len(batch.rows))
    # noise of nine words: some answers fail to render, some end in time, some call the tool
    assert any(row.score.reason == "RuntimeError: boom" for row in rows)
    assert {row.row.truncated for row in rows} == {True, False}
    assert any(len(row.sample.delivered) > 0 for row in rows if row.sample)
    assert all(row.sample.constraint.required_tools == {"code"} for row in rows if row.sample)


def test_an_outage_ends_training_with_a_sentence(make, trainer):
    async def render(document, inputs):
        raise ConnectionError("the image server is gone")

    reward = trl_reward(presets.rules(), render=render, limit=UnscoredLimit(share=0.5, samples=8))
    with pytest.raises(TooManyUnscoredError, match=r"100% of the last 8 samples .* the image server is gone"):
        trainer(reward).train()
