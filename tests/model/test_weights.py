import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save, save_file
from torch import Tensor

from reference_vit import ReferenceViT, as_google, as_hugging_face, as_timm
from rtme.engine.bundle import load_bundle, write_bundle
from rtme.errors import EngineError, SettingsError
from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.model.meldae import Meldae
from rtme.model.weights import load_encoder
from tiny_engine import make_tiny_bundle

TINY = ModelConfig(
    input="rgb", pixels="half", size=48, dim=12, depth=2, heads=3, frame_token="class", norm_eps=1e-6
)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

State = dict[str, Tensor]


def changed(**settings: object) -> ModelConfig:
    return ModelConfig.model_validate(TINY.model_dump() | settings)


@pytest.fixture(scope="module")
def vit() -> ReferenceViT:
    return ReferenceViT(size=48, patch=16, dim=12, depth=2, heads=3)


@pytest.fixture
def said() -> list[str]:
    return []


def crops(size: int = 48) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (3, size, size, 3), dtype=torch.uint8, generator=generator)


def stored(state: State, path: Path) -> str:
    state = {name: value.contiguous() for name, value in state.items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    elif path.suffix == ".npz":
        np.savez(path, **{name: value.numpy() for name, value in state.items()})
    else:
        torch.save(state, path)
    return str(path)


@pytest.mark.parametrize(
    ("names", "file"),
    [
        (as_timm, "timm.safetensors"),
        (as_timm, "timm.pth"),
        (as_hugging_face, "pytorch_model.bin"),
        (lambda vit: as_hugging_face(vit, "vit."), "model.safetensors"),
        (as_google, "B_16.npz"),
    ],
)
@pytest.mark.parametrize(("pixels", "spread"), [("imagenet", IMAGENET), ("half", HALF)])
def test_weights_of_others_say_here_what_they_say_there(
    names: Callable[[ReferenceViT], State],
    file: str,
    pixels: str,
    spread: tuple[tuple[float, ...], tuple[float, ...]],
    vit: ReferenceViT,
    tmp_path: Path,
    said: list[str],
):
    config = changed(
        pixels=pixels, pooling="grid", cells=3
    )  # a cell is a patch: regions are the patch tokens
    encoder = load_encoder(config, stored(names(vit), tmp_path / file), said.append)
    expected = vit(crops(), *spread)
    frame, regions = encoder(crops())
    torch.testing.assert_close(frame, expected[:, 0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(regions, expected[:, 1:], atol=1e-5, rtol=1e-5)
    assert [line for line in said if "heads" not in line] == []


def test_weights_of_others_do_not_tell_their_heads(vit: ReferenceViT, tmp_path: Path, said: list[str]):
    load_encoder(TINY, stored(as_timm(vit), tmp_path / "a.pt"), said.append)
    assert len(said) == 1
    assert "ViTs of 12 mostly have 1, and model.heads is 3" in said[0]


@pytest.mark.parametrize("prefix", ["", "encoder.", "model.encoder."])
def test_our_own_weights_come_back_alone_or_within_a_model(prefix: str, tmp_path: Path, said: list[str]):
    torch.manual_seed(1)
    config = changed(frame_token="class+regions")
    known = Meldae(config)
    state = {f"{prefix}{name}": value for name, value in known.encoder.state_dict().items()}
    if prefix:
        state |= {f"temporal.{name}": value for name, value in known.temporal.state_dict().items()}
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": state, "epoch": 3}, path)
    encoder = load_encoder(config, str(path), said.append)
    for ours, theirs in zip(encoder(crops()), known.encoder(crops()), strict=True):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    assert said == []


def test_the_summary_of_regions_is_left_behind_where_none_is_wanted(tmp_path: Path):
    known = Encoder(changed(frame_token="class+regions"))
    encoder = load_encoder(TINY, stored(known.state_dict(), tmp_path / "a.safetensors"))
    torch.testing.assert_close(encoder(crops())[0], known(crops())[0][:, :12])


def test_a_summary_that_no_pretrained_vit_has_begins_at_random_and_is_told(
    vit: ReferenceViT, tmp_path: Path, said: list[str]
):
    path = stored(as_timm(vit), tmp_path / "a.pt")
    encoder = load_encoder(changed(frame_token="class+regions"), path, said.append)
    assert encoder(crops())[0].shape == (3, 24)
    assert any("summary of the regions" in line and "random" in line for line in said)


def test_positions_are_interpolated_to_another_grid(vit: ReferenceViT, tmp_path: Path, said: list[str]):
    state = as_timm(vit)
    # Over the 3 x 3 patches: a constant, the column, the row.
    table = torch.zeros(1, 10, 12)
    table[0, 0] = 7
    table[0, 1:, 0] = 0.25
    table[0, 1:, 1] = torch.arange(3.0).repeat(3)
    table[0, 1:, 2] = torch.arange(3.0).repeat_interleave(3)
    path = stored(state | {"pos_embed": table}, tmp_path / "a.pt")
    position = load_encoder(changed(size=96), path, said.append).state_dict()["position"]
    assert position.shape == (1, 37, 12)
    assert (position[0, 0] == 7).all()
    square = position[0, 1:].view(6, 6, 12)
    torch.testing.assert_close(square[..., 0], torch.full((6, 6), 0.25))
    torch.testing.assert_close(square[..., 1], square[:1, :, 1].expand(6, 6))
    torch.testing.assert_close(square[..., 2], square[..., 1].T)
    assert (square[0].diff(dim=0)[:, 1] > 0).all()
    assert square[0, 2:4, 1].mean() == pytest.approx(1)
    assert any("3 x 3" in line and "6 x 6" in line and "interpolated" in line for line in said)


def without(name: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (dict, {"dim": 24}, r"model\.dim is 24 and .* has 12: set model\.dim to 12"),
        (dict, {"depth": 3}, r"model\.depth is 3 and .* has 2"),
        (dict, {"patch": 8}, r"model\.patch is 8 and .* has 16"),
        (
            lambda state: state | {"patch_embed.proj.weight": torch.ones(12, 1, 16, 16)},
            {},
            r"embed\.weight has the shape \(12, 256\), .* \(12, 768\)",
        ),
        (without("norm.weight"), {}, r"lacks norm\.weight:"),
        (
            lambda state: state | {"blocks.0.ls1.gamma": torch.ones(12)},
            {},
            r"this ViT lacks: blocks\.0\.ls1\.gamma:",
        ),
        (lambda state: state | {"dist_token": torch.ones(1, 1, 12)}, {}, r"this ViT lacks: dist_token"),
        (without("pos_embed"), {}, r"lacks position:"),
        (
            lambda state: state | {"pos_embed": state["pos_embed"][:, 1:]},
            {},
            r"\(1, 9, 12\), which is no class token and a square",
        ),
        (
            lambda state: state | {"norm.bias": torch.full((12,), torch.nan)},
            {},
            r"norm\.bias holds numbers that are not finite",
        ),
        (
            lambda state: state | {"blocks.1.mlp.fc1.weight": torch.ones(36, 12)},
            {},
            r"blocks\.1\.mlp\.0\.weight has the shape \(36, 12\), .* \(48, 12\)",
        ),
        (
            lambda state: {
                f"{who}.{name}": value for who in ("student", "teacher") for name, value in state.items()
            },
            {},
            r"several ViTs \(student\.patch_embed.*, teacher",
        ),
        (lambda _: {"conv1.weight": torch.ones(3)}, {}, r"no ViT by our names.*begins with conv1\.weight"),
        (lambda _: {}, {}, r"begins with nothing"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_what_to_do(
    change: Callable[[State], State],
    settings: dict[str, object],
    message: str,
    vit: ReferenceViT,
    tmp_path: Path,
):
    path = stored(change(as_timm(vit)), tmp_path / "a.pt")
    with pytest.raises(SettingsError, match=message):
        load_encoder(changed(**settings), path)


def test_many_names_without_a_place_are_counted(vit: ReferenceViT, tmp_path: Path):
    dino = as_hugging_face(vit) | {
        f"encoder.layer.{n}.{part}": torch.ones(12)
        for n in range(2)
        for part in ("layer_scale1.lambda1", "layer_scale2.lambda1")
    }
    with pytest.raises(SettingsError, match=r"layer\.0\.layer_scale1\.lambda1.* and 1 more"):
        load_encoder(TINY, stored(dino, tmp_path / "a.pt"))


@pytest.mark.parametrize("ending", [".safetensors", ".pt", ".bin", ".npz"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 broken", b"\x80\x02broken"])
def test_files_that_hold_no_weights_are_refused(ending: str, content: bytes, tmp_path: Path):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read as weights"):
        load_encoder(TINY, str(path))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path):
    path = tmp_path / "a.pt"
    torch.save({"embed.weight": threading.Thread}, path)
    with pytest.raises(SettingsError, match="cannot be read as weights"):
        load_encoder(TINY, str(path))


def test_a_pickle_of_something_else_is_refused(tmp_path: Path):
    torch.save([torch.ones(2)], tmp_path / "a.pt")
    with pytest.raises(SettingsError, match="no weights by name, but a list"):
        load_encoder(TINY, str(tmp_path / "a.pt"))


def test_what_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"absent\.safetensors.* no such file"):
        load_encoder(TINY, str(tmp_path / "absent.safetensors"))
    with pytest.raises(SettingsError, match=r"'defualt'.*installed: default"):
        load_encoder(TINY, "defualt")


def test_the_default_engine_gives_its_encoder():
    encoder = load_encoder(ModelConfig(), "default")
    session = onnxruntime.InferenceSession(load_bundle("default").encoder_path)
    told = session.run(["frame", "regions"], {"crops": crops(112).numpy()})
    with torch.inference_mode():
        for ours, theirs in zip(encoder(crops(112)), told, strict=True):
            assert np.abs(ours.numpy() - theirs).max() <= 1e-4


def test_an_engine_with_a_summary_gives_a_class_token_without_it():
    both = load_encoder(ModelConfig(), "default")
    alone = load_encoder(ModelConfig(frame_token="class", pooling="grid"), "default")
    torch.testing.assert_close(alone(crops(112))[0], both(crops(112))[0][:, :160])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "rgb"}, r"model\.input is rgb and engine default was made with motion"),
        ({"size": 224}, r"model\.size is 224 and engine default was made with 112"),
        ({"depth": 6}, r"model\.depth is 6 and engine default was made with 4"),
        ({"heads": 5}, r"model\.heads is 5 and engine default was made with 4"),
        ({"norm_eps": 1e-6}, r"model\.norm_eps is 1e-06 and engine default was made with 1e-05"),
        ({"pooling": "grid"}, r"model\.pooling is grid and engine default was made with facial"),
    ],
)
def test_an_engine_of_other_sizes_is_refused(settings: dict[str, object], message: str):
    with pytest.raises(SettingsError, match=message):
        load_encoder(ModelConfig.model_validate(settings), "default")


def test_an_engine_that_does_not_tell_its_model_is_refused(tmp_path: Path):
    make_tiny_bundle(tmp_path / "tiny")
    with pytest.raises(EngineError, match="engine tiny does not tell its model's settings"):
        load_encoder(ModelConfig(), str(tmp_path / "tiny"))


def copy_of_default(folder: Path, **model: object) -> str:
    bundle = load_bundle("default")
    numbers = json.loads((bundle.path / "manifest.json").read_text())
    numbers["training"]["recipe"]["model"] |= model
    write_bundle(
        folder,
        numbers,
        encoder=bundle.encoder_path.read_bytes(),
        temporal=bundle.temporal_path.read_bytes(),
    )
    return str(folder)


def test_an_engine_that_tells_another_model_than_it_holds_is_refused(tmp_path: Path):
    with pytest.raises(EngineError, match=r"differs by .* other settings of the model"):
        load_encoder(ModelConfig(heads=5), copy_of_default(tmp_path / "heads", heads=5))
    with pytest.raises(EngineError, match=r"where its manifest promises blocks\.4\.qkv\.weight"):
        load_encoder(ModelConfig(depth=5), copy_of_default(tmp_path / "depth", depth=5))


def test_the_papers_encoder_is_vit_b_16():
    paper = ModelConfig(input="rgb", size=224, dim=768, depth=12, heads=12, frame_token="class")
    encoder = load_encoder(paper, None).eval()
    # ViT-B/16 at 224 without its classification head, as timm and Hugging Face count it.
    assert sum(weights.numel() for weights in encoder.parameters()) == 85_798_656
    with torch.inference_mode():
        frame, regions = encoder(crops(224)[:1])
    assert frame.shape == (1, 768)
    assert regions.shape == (1, 13, 768)


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as fetching one file takes."""

    content = b""

    def do_HEAD(self) -> None:
        if self.path != "/timm/made_up/resolve/main/model.safetensors":
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", '"made-up"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(vit: ReferenceViT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Hub.content = save({name: value.contiguous() for name, value in as_timm(vit).items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    # The client reads these from the environment once, when it is imported.
    template = "{endpoint}/{repo_id}/resolve/{revision}/{filename}"
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template.replace("{endpoint}", url))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    yield
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def test_names_on_the_hub_are_fetched_once(hub: None, monkeypatch: pytest.MonkeyPatch):
    online = load_encoder(TINY, "timm:made_up")
    with pytest.raises(
        SettingsError, match=r"get model\.safetensors from https://huggingface\.co/timm/absent by hand"
    ):
        load_encoder(TINY, "timm:absent")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    offline = load_encoder(TINY, "hf:timm/made_up")
    torch.testing.assert_close(offline.state_dict(), online.state_dict())
    with pytest.raises(
        SettingsError, match=r"huggingface\.co/google/vit by hand and give its path as encoder\.start"
    ):
        load_encoder(TINY, "hf:google/vit")
