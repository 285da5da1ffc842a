"""What models take in memory, summed by hand from their published dimensions, in 16-bit weights and cache.

Each figure is written as the sum that a reader can check; the result stands behind it. Parameters are the matrices,
the embeddings and two norms a layer; biases are left out, as in the catalog. The cache of a windowed layer stops at its
window, so that its bytes are those of a full window. Recurrent state is in fp32, a convolution's in 16 bit.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryFact:
    """The memory of one model."""

    model: str
    """Its id in the catalog."""
    parameters: int
    kv_bytes_per_token: int
    """Of all layers whose cache grows with every token, bytes; without an indexer's own cache."""
    window_bytes: int = 0
    """Of all windowed layers once their windows are full, bytes per sequence."""
    state_bytes: int = 0
    """Of all recurrent layers, bytes per sequence."""
    index_elements_per_token: int = 0
    """Of all indexers."""


MEMORY_FACTS = (
    # MHA. Q, K, V and O of 4096 × 4096; three matrices of 4096 × 11008; embedding and head of 32000 × 4096; 65 norms.
    MemoryFact(
        "llama-2-7b",
        parameters=32 * (4 * 4096 * 4096 + 3 * 4096 * 11008) + 2 * 32000 * 4096 + 65 * 4096,  # 6,738,415,616
        kv_bytes_per_token=32 * 2 * 32 * 128 * 2,  # layers × (K, V) × heads × width × bytes = 524,288: half a MiB
    ),
    # GQA. Q and O of 8192 × 8192, K and V of 8192 × 1024. In 16 bit 141,107,412,992 bytes: 131.4 GiB.
    MemoryFact(
        "llama-3.1-70b",
        parameters=80 * (8192 * (2 * 8192 + 2 * 1024) + 3 * 8192 * 28672) + 2 * 128_256 * 8192 + 161 * 8192,
        # = 70,553,706,496
        kv_bytes_per_token=80 * 2 * 8 * 128 * 2,  # 327,680: 320 KiB
    ),
    # MQA, one KV head of 64; two feed-forward matrices; head tied to the embedding.
    MemoryFact(
        "falcon-7b",
        parameters=32 * (4544 * (4544 + 2 * 64 + 4544) + 2 * 4544 * 18176) + 65024 * 4544 + 65 * 4544,  # 6,921,715,392
        kv_bytes_per_token=32 * 2 * 1 * 64 * 2,  # 8,192
    ),
    # MLA. Down 7168 → 1536 and 7168 → 512 + 64; up 1536 → 128·192 and 512 → 128·256; out 128·128 → 7168. Three dense
    # layers of 18432, 58 with a router, 256 experts and a shared one of 2048.
    MemoryFact(
        "deepseek-v3",
        parameters=61 * (7168 * (1536 + 576) + 1536 * 128 * 192 + 512 * 128 * 256 + 128 * 128 * 7168)
        + 3 * 3 * 7168 * 18432
        + 58 * (7168 * 256 + 257 * 3 * 7168 * 2048)
        + 2 * 129_280 * 7168
        + 123 * 7168,  # 671,024,290,816
        kv_bytes_per_token=61 * (512 + 64) * 2,  # 70,272
    ),
    # MLA with an indexer: its queries 1536 → 64·128, its keys and head weights 7168 → 128 + 64.
    MemoryFact(
        "deepseek-v3.2",
        parameters=61 * (7168 * (1536 + 576) + 1536 * 128 * 192 + 512 * 128 * 256 + 128 * 128 * 7168)
        + 61 * (1536 * 64 * 128 + 7168 * (128 + 64))
        + 3 * 3 * 7168 * 18432
        + 58 * (7168 * 256 + 257 * 3 * 7168 * 2048)
        + 2 * 129_280 * 7168
        + 123 * 7168,
        kv_bytes_per_token=61 * (512 + 64) * 2,  # 70,272
        index_elements_per_token=61 * 128,  # 7,808
    ),
    # GQA, every second layer with a window of 128; 32 experts of 2880 in each layer.
    MemoryFact(
        "gpt-oss-20b",
        parameters=24 * (2880 * (2 * 4096 + 2 * 512) + 2880 * 32 + 32 * 3 * 2880 * 2880)
        + 2 * 201_088 * 2880
        + 49 * 2880,
        kv_bytes_per_token=12 * 2 * 8 * 64 * 2,  # 24,576
        window_bytes=12 * 128 * 2 * 8 * 64 * 2,  # 3,145,728
    ),
    MemoryFact(
        "gpt-oss-120b",
        parameters=36 * (2880 * (2 * 4096 + 2 * 512) + 2880 * 128 + 128 * 3 * 2880 * 2880)
        + 2 * 201_088 * 2880
        + 73 * 2880,
        kv_bytes_per_token=18 * 2 * 8 * 64 * 2,  # 36,864
        window_bytes=18 * 128 * 2 * 8 * 64 * 2,  # 4,718,592
    ),
    # Windows of 1024 in five of six layers: 52, and 10 that see all. Tied; the vision tower has 423 M.
    MemoryFact(
        "gemma-3-27b",
        parameters=62 * (5376 * (2 * 4096 + 2 * 2048) + 3 * 5376 * 21504) + 262_208 * 5376 + 125 * 5376 + 423_000_000,
        kv_bytes_per_token=10 * 2 * 16 * 128 * 2,  # 81,920
        window_bytes=52 * 1024 * 2 * 16 * 128 * 2,  # 436,207,616
    ),
    # A window of 4096 in every layer: nothing grows for ever.
    MemoryFact(
        "mistral-7b-v0.1",
        parameters=32 * (4096 * (2 * 4096 + 2 * 1024) + 3 * 4096 * 14336) + 2 * 32000 * 4096 + 65 * 4096,
        kv_bytes_per_token=0,
        window_bytes=32 * 4096 * 2 * 8 * 128 * 2,  # 536,870,912
    ),
    # Chunks of 8192 in 36 of 48 layers; 16 experts and a shared one; a vision tower of 872 M.
    MemoryFact(
        "llama-4-scout",
        parameters=48 * (5120 * (2 * 5120 + 2 * 1024) + 5120 * 16 + 17 * 3 * 5120 * 8192)
        + 2 * 202_048 * 5120
        + 97 * 5120
        + 872_000_000,
        kv_bytes_per_token=12 * 2 * 8 * 128 * 2,  # 49,152
        window_bytes=36 * 8192 * 2 * 8 * 128 * 2,  # 1,207,959,552
    ),
    # Keys 192 wide, values 128; 4 KV heads in the 9 global layers, 8 in the 39 with a window of 128; one dense layer.
    MemoryFact(
        "mimo-v2-flash",
        parameters=9 * 4096 * (64 * 192 + 4 * (192 + 128) + 64 * 128)
        + 39 * 4096 * (64 * 192 + 8 * (192 + 128) + 64 * 128)
        + 3 * 4096 * 16384
        + 47 * (4096 * 256 + 256 * 3 * 4096 * 2048)
        + 2 * 152_576 * 4096
        + 97 * 4096,
        kv_bytes_per_token=9 * 4 * (192 + 128) * 2,  # 23,040
        window_bytes=39 * 128 * 8 * (192 + 128) * 2,  # 25,559,040
    ),
    # One projection makes keys and values of the 10 global layers (512 wide, 4 heads); engines cache both (measured
    # growth of 16 KB a token on Gemma 4 12B). A vision tower of 576 M.
    MemoryFact(
        "gemma-4-31b",
        parameters=50 * 5376 * (2 * 32 * 256 + 2 * 16 * 256)
        + 10 * 5376 * (2 * 32 * 512 + 4 * 512)
        + 60 * 3 * 5376 * 21504
        + 262_144 * 5376
        + 121 * 5376
        + 576_000_000,
        kv_bytes_per_token=10 * 2 * 4 * 512 * 2,  # 81,920
        window_bytes=50 * 1024 * 2 * 16 * 256 * 2,  # 838,860,800
    ),
    # Gated delta net in 36 of 48 layers: 16 key and 32 value heads of 128, convolution over 8192 channels (4 taps);
    # q, k, v, z, b and a are projected. The 12 others have 16 heads of 256 with a gate, 2 KV heads.
    MemoryFact(
        "qwen3-next-80b-a3b",
        parameters=36 * (2048 * (2 * 2048 + 2 * 4096 + 64) + 4096 * 2048 + 4 * 8192 + 2 * 32 + 128)
        + 12 * 2048 * (2 * 4096 + 2 * 512 + 4096)
        + 48 * (2048 * 512 + 513 * 3 * 2048 * 512)
        + 2 * 151_936 * 2048
        + 97 * 2048,
        kv_bytes_per_token=12 * 2 * 2 * 256 * 2,  # 24,576
        state_bytes=36 * (32 * 128 * 128 * 4 + 3 * 8192 * 2),  # 77,266,944
    ),
    # Mamba2 in 54 of 118 layers: 256 heads of 64, state 256, 8 groups; 54 feed-forward layers of two matrices, 10 of
    # attention.
    MemoryFact(
        "nemotron-h-56b",
        parameters=54 * (8192 * (2 * 16384 + 2 * 8 * 256 + 256) + 16384 * 8192 + 5 * 20480 + 3 * 256 + 16384)
        + 54 * 2 * 8192 * 32768
        + 10 * 8192 * (2 * 8192 + 2 * 1024)
        + 2 * 131_072 * 8192
        + 237 * 8192,
        kv_bytes_per_token=10 * 2 * 8 * 128 * 2,  # 40,960
        state_bytes=54 * (16384 * 256 * 4 + 3 * (16384 + 2 * 8 * 256) * 2),  # 912,605,184
    ),
    # Lightning attention in 70 of 80 layers: 64 heads of 128 with a gate and a norm.
    MemoryFact(
        "minimax-text-01",
        parameters=70 * (6144 * 4 * 8192 + 8192 * 6144 + 8192)
        + 10 * 6144 * (2 * 8192 + 2 * 1024)
        + 80 * (6144 * 32 + 32 * 3 * 6144 * 9216)
        + 2 * 200_064 * 6144
        + 161 * 6144,
        kv_bytes_per_token=10 * 2 * 8 * 128 * 2,  # 40,960
        state_bytes=70 * 64 * 128 * 128 * 4,  # 293,601,280
    ),
    # KDA in 20 of 27 layers: 32 heads of 128; decay and gate through 128 columns; the rest is MLA without a query rank.
    MemoryFact(
        "kimi-linear-48b-a3b",
        parameters=20 * (2304 * (3 * 4096 + 32 + 2 * 128) + 4096 * 2304)
        + 20 * (2 * 128 * 4096 + 4 * 3 * 4096 + 4096 + 32 + 128)
        + 7 * (2304 * (32 * 192 + 576) + 512 * 32 * 256 + 32 * 128 * 2304)
        + 3 * 2304 * 9216
        + 26 * (2304 * 256 + 257 * 3 * 2304 * 1024)
        + 2 * 163_840 * 2304
        + 55 * 2304,
        kv_bytes_per_token=7 * (512 + 64) * 2,  # 8,064
        state_bytes=20 * (32 * 128 * 128 * 4 + 3 * 3 * 4096 * 2),  # 43,417,600
    ),
    # Attention and Mamba2 side by side in all 72 layers: 4 KV heads of 128; 32 heads of 128, state 256, 2 groups.
    MemoryFact(
        "falcon-h1-34b",
        parameters=72 * (5120 * (2 * 2560 + 2 * 512) + 3 * 5120 * 21504)
        + 72 * (5120 * (2 * 4096 + 2 * 2 * 256 + 32) + 4096 * 5120 + 5 * 5120 + 3 * 32 + 4096)
        + 2 * 261_120 * 5120
        + 145 * 5120,
        kv_bytes_per_token=72 * 2 * 4 * 128 * 2,  # 147,456
        state_bytes=72 * (4096 * 256 * 4 + 3 * (4096 + 2 * 2 * 256) * 2),  # 304,201,728
    ),
    # 64 of 162 blocks keep attention, of 8 KV heads of 128; feed-forward blocks differ, four of them fused and wide.
    MemoryFact(
        "nemotron-ultra-253b",
        parameters=64 * 16384 * (2 * 16384 + 2 * 1024)
        + 3 * 16384 * (5376 + 10752 + 6 * 16128 + 10 * 21504 + 19 * 26624 + 2 * 32000 + 4 * 37376 + 34 * 53248)
        + 3 * 16384 * (301_056 + 343_040 + 399_360 + 425_984)
        + 2 * 128_256 * 16384
        + (2 * 81 + 1) * 16384,  # the blocks that do nothing are left out
        kv_bytes_per_token=64 * 2 * 8 * 128 * 2,  # 262,144
    ),
    # The last 20 of 35 layers read what earlier ones cached: 3 full ones of one KV head of 512 and 12 of 256 cache.
    MemoryFact(
        "gemma-4-e2b",
        parameters=28 * 1536 * (2 * 2048 + 2 * 256)
        + 7 * 1536 * (2 * 4096 + 2 * 512)
        + 3 * 1536 * (15 * 6144 + 20 * 12288)
        + 262_144 * 1536
        + 71 * 1536
        + 2_870_000_000,
        kv_bytes_per_token=3 * 2 * 512 * 2,  # 6,144
        window_bytes=12 * 512 * 2 * 256 * 2,  # 6,291,456
    ),
)
