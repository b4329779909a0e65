"""Images: digests, tags, and the copy from the source's registry."""

from __future__ import annotations

import hashlib
import json

import pytest
from botocore.stub import ANY, Stubber

from core.adapters.aws.image_layers import LayerCopy, https_download
from core.adapters.aws.images import EcrImages
from core.adapters.memory.images import MemoryImages
from core.domain.errors import ConfigurationError, NotFoundError, SitefleetError, TransientError
from core.ports.platform import Images
from tests.contract.backends import Aws, Backend, Memory

REPOSITORY = "bbws-wordpress"
OPERATION = "550e8400-e29b-41d4-a716-446655440000"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest(name: str) -> str:
    """An image without layers: emulators keep no layers that could be read back."""
    document = {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "layers": [], "name": name}
    return json.dumps(document, sort_keys=True)


ONE, TWO = manifest("one"), manifest("two")


class Registries:
    """Puts images where a test wants them; returns their digests."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        if isinstance(backend, Aws):
            self.clients = {
                "here": backend.clients,
                "source": backend.clients_of(backend.source_account_id),
            }
            for clients in self.clients.values():
                clients.ecr.create_repository(repositoryName=REPOSITORY)

    def push(self, where: str, content: str, tag: str) -> str:
        if isinstance(self.backend, Memory):
            world = self.backend.world if where == "here" else self.backend.source
            digest = digest_of(content.encode())
            world.images[digest] = content
            world.image_tags[tag] = digest
            return digest
        answer = self.clients[where].ecr.put_image(
            repositoryName=REPOSITORY,
            imageManifest=content,
            imageManifestMediaType=MEDIA_TYPE,
            imageTag=tag,
        )
        return answer["image"]["imageId"]["imageDigest"]


@pytest.fixture
def registries(backend: Backend) -> Registries:
    return Registries(backend)


@pytest.fixture
def images(backend: Backend, registries: Registries) -> Images:
    if isinstance(backend, Memory):
        return MemoryImages(backend.world)
    return EcrImages(
        clients=backend.clients,
        repository=REPOSITORY,
        layers=LayerCopy(clock=backend.clock),
        source=backend.source_account(),
    )


def test_a_tag_leads_to_a_digest(images: Images, registries: Registries):
    digest = registries.push("here", ONE, "prod-latest")
    assert images.digest_of("prod-latest") == digest
    assert images.find_digest("prod-latest") == digest
    assert images.present(digest)


def test_what_is_not_there_is_said_so(images: Images):
    with pytest.raises(NotFoundError, match="no-such-tag"):
        images.digest_of("no-such-tag")
    assert images.find_digest("no-such-tag") is None
    assert not images.present("sha256:" + "0" * 64)
    with pytest.raises(NotFoundError):
        images.tag("sha256:" + "0" * 64, "prod-latest")
    images.untag("no-such-tag")


def test_a_tag_moves_and_may_be_put_twice(images: Images, registries: Registries):
    first = registries.push("here", ONE, "one")
    second = registries.push("here", TWO, "two")
    images.tag(first, "prod-latest")
    images.tag(second, "prod-latest")
    images.tag(second, "prod-latest")
    assert images.digest_of("prod-latest") == second
    assert images.digest_of("one") == first


def test_a_tag_is_removed_and_the_image_stays_under_its_other_one(
    backend: Backend, images: Images, registries: Registries
):
    if isinstance(backend, Aws) and backend.name == "emulator":
        pytest.skip("MiniStack deletes it with the first tag; local/ corrects that (tests/local)")
    digest = registries.push("here", ONE, "one")
    images.tag(digest, "two")
    images.untag("two")
    images.untag("two")
    assert images.digest_of("one") == digest
    with pytest.raises(NotFoundError):
        images.digest_of("two")


def test_an_image_is_copied_from_the_source_once_or_twice(images: Images, registries: Registries):
    digest = registries.push("source", ONE, "sit-latest")
    assert not images.present(digest)
    images.copy_from_source(digest, "r7", operation_id=OPERATION)
    images.copy_from_source(digest, "r7", operation_id=OPERATION)
    assert images.present(digest)
    assert images.digest_of("r7") == digest


def test_an_image_that_the_source_has_not_cannot_be_copied(images: Images):
    with pytest.raises(NotFoundError, match="source has no image"):
        images.copy_from_source("sha256:" + "0" * 64, "r7", operation_id=OPERATION)


def test_without_a_source_account_there_is_a_sentence(backend: Backend, registries: Registries):
    if isinstance(backend, Memory):
        backend.world.source = None
        images: Images = MemoryImages(backend.world)
    else:
        layers = LayerCopy(clock=backend.clock)
        images = EcrImages(clients=backend.clients, repository=REPOSITORY, layers=layers)
    with pytest.raises(ConfigurationError, match="no source"):
        images.copy_from_source("sha256:" + "0" * 64, "r7", operation_id=OPERATION)


class TestLayers:
    """moto has no layers and the emulator forgets them: ECR's answers are made up."""

    CONTENT = b"layer" * 1000

    @pytest.fixture
    def ecr(self, moto: Aws):
        return moto.clients.ecr

    def copy(self, moto: Aws, ecr, content: bytes, digest: str) -> None:
        copy = LayerCopy(clock=moto.clock, download=lambda _: iter([content[:7], content[7:]]))
        copy.begin()
        copy.copy(ecr, ecr, REPOSITORY, [digest, digest])

    def expect_upload(self, stub: Stubber, digest: str, size: int) -> None:
        layers = [{"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}]
        stub.add_response("batch_check_layer_availability", {"layers": layers})
        stub.add_response("get_download_url_for_layer", {"downloadUrl": "https://layer.example"})
        stub.add_response("initiate_layer_upload", {"uploadId": "u"})
        part = {
            "repositoryName": REPOSITORY,
            "uploadId": "u",
            "partFirstByte": 0,
            "partLastByte": size - 1,
            "layerPartBlob": ANY,
        }
        stub.add_response("upload_layer_part", {}, part)

    def test_a_missing_layer_is_read_and_written_in_parts(self, moto: Aws, ecr):
        digest = digest_of(self.CONTENT)
        with Stubber(ecr) as stub:
            self.expect_upload(stub, digest, len(self.CONTENT))
            done = {"repositoryName": REPOSITORY, "uploadId": "u", "layerDigests": [digest]}
            stub.add_response("complete_layer_upload", {}, done)
            self.copy(moto, ecr, self.CONTENT, digest)
            stub.assert_no_pending_responses()

    def test_a_layer_that_is_there_is_not_copied(self, moto: Aws, ecr):
        digest = digest_of(self.CONTENT)
        layers = [{"layerDigest": digest, "layerAvailability": "AVAILABLE"}]
        with Stubber(ecr) as stub:
            stub.add_response("batch_check_layer_availability", {"layers": layers})
            self.copy(moto, ecr, self.CONTENT, digest)

    def test_a_layer_that_arrives_damaged_is_not_completed(self, moto: Aws, ecr):
        digest = digest_of(b"something else")
        with Stubber(ecr) as stub:
            self.expect_upload(stub, digest, len(self.CONTENT))
            with pytest.raises(TransientError, match="damaged"):
                self.copy(moto, ecr, self.CONTENT, digest)

    def test_when_the_time_is_up_the_next_step_goes_on(self, moto: Aws, ecr):
        digest = digest_of(self.CONTENT)
        copy = LayerCopy(clock=moto.clock, download=lambda _: iter([self.CONTENT]))
        copy.begin()
        moto.clock.advance(41)
        with Stubber(ecr) as stub:
            layers = [{"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}]
            stub.add_response("batch_check_layer_availability", {"layers": layers})
            stub.add_response("get_download_url_for_layer", {"downloadUrl": "https://x.example"})
            stub.add_response("initiate_layer_upload", {"uploadId": "u"})
            with pytest.raises(TransientError, match="goes on with layer"):
                copy.copy(ecr, ecr, REPOSITORY, [digest])

    def test_layers_are_read_over_https_only(self):
        with pytest.raises(SitefleetError, match="not https"):
            next(https_download("http://registry.example/layer"))
