"""CSI from another implementation of gRPC and protobuf than ours: Python's. Messages are made from protos/csi.proto when this is loaded."""

import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALL_SECONDS_MAX = 60


def messages():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["protoc", f"--proto_path={ROOT}/protos", f"--python_out={directory}", "csi.proto"], check=True)
        sys.path.insert(0, directory)
        try:
            return importlib.import_module("csi_pb2")
        finally:
            sys.path.remove(directory)


csi = messages()
SERVICES = {
    method.name: (service, method) for service in csi.DESCRIPTOR.services_by_name.values() for method in service.methods}


def message_class(descriptor):
    return getattr(csi, descriptor.name)


class Refused(Exception):
    """How a call ended that did not end well."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error.code().name}: {error.details()}")
        self.code, self.details = error.code().name, error.details()
        self.trailing = dict(error.trailing_metadata() or ())


class Client:
    """`client.CreateVolume(name=…)`: one method for each RPC; a stream's answers come as a list."""

    def __init__(self, socket, seconds=CALL_SECONDS_MAX):
        self.socket, self.seconds = socket, seconds
        self.channel = grpc.insecure_channel(f"unix:{socket}")

    def close(self):
        self.channel.close()

    def __getattr__(self, name):
        if name not in SERVICES:
            raise AttributeError(name)
        method, streams = SERVICES[name][1], name.startswith("GetMetadata")
        call = self.callable(name, self.channel.unary_stream if streams else self.channel.unary_unary)

        def carry_out(request=None, seconds=self.seconds, **fields):
            request = request if request is not None else message_class(method.input_type)(**fields)
            try:
                answer = call(request, timeout=seconds)
                return list(answer) if streams else answer
            except grpc.RpcError as error:
                raise Refused(name, error) from None
        return carry_out

    @staticmethod
    def callable(name, make):
        service, method = SERVICES[name]
        return make(
            f"/{service.full_name}/{name}", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_class(method.output_type).FromString)

    @contextlib.contextmanager
    def stream(self, name, **fields):
        """A stream's answers one by one; cancelled at the end of the block."""
        request = message_class(SERVICES[name][1].input_type)(**fields)
        answers = self.callable(name, self.channel.unary_stream)(request, timeout=self.seconds)
        try:
            yield answers
        finally:
            answers.cancel()

    def raw(self, path, data, seconds=5):
        """Any bytes at any path: the code that they are answered with; `details` has the words, `answer` the bytes."""
        call = self.channel.unary_unary(path)
        try:
            self.answer = call(data, timeout=seconds)
            self.details = ""
            return "OK"
        except grpc.RpcError as error:
            self.answer, self.details = b"", error.details()
            return error.code().name

    def wait(self, seconds=30):
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(Refused):
                if self.Probe(seconds=2).ready.value:
                    return self
            if time.monotonic() > end:
                raise TimeoutError(f"{self.socket} is not ready after {seconds} s")
            # A channel that failed waits longer and longer before it connects again.
            self.channel.close()
            time.sleep(0.02)
            self.channel = grpc.insecure_channel(f"unix:{self.socket}")


def mount(filesystem="", mode="SINGLE_NODE_WRITER"):
    return csi.VolumeCapability(
        mount=csi.VolumeCapability.MountVolume(fs_type=filesystem), access_mode=csi.VolumeCapability.AccessMode(mode=mode))


def block(mode="SINGLE_NODE_WRITER"):
    return csi.VolumeCapability(
        block=csi.VolumeCapability.BlockVolume(), access_mode=csi.VolumeCapability.AccessMode(mode=mode))
