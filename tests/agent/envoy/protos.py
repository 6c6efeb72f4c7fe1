"""Envoy's published protos, and its messages read from JSON as strictly as they allow."""

import subprocess
import tempfile
from pathlib import Path

from google.protobuf import (any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, empty_pb2, json_format,
                             message_factory, struct_pb2, timestamp_pb2, wrappers_pb2)

HERE = Path(__file__).resolve().parent
DEPS = HERE / "node_modules/@grpc/grpc-js-xds/deps"
SOURCES = ("envoy/service/discovery/v3/discovery.proto", "envoy/config/cluster/v3/cluster.proto",
           "envoy/config/endpoint/v3/endpoint.proto", "envoy/config/bootstrap/v3/bootstrap.proto",
           "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
           "envoy/extensions/filters/http/router/v3/router.proto")


class Refused(Exception):
    pass


def _well_known(folder):
    """Those that come with protobuf itself: Debian has their sources in a package of their own."""
    known = descriptor_pb2.FileDescriptorSet()
    for module in (any_pb2, descriptor_pb2, duration_pb2, empty_pb2, struct_pb2, timestamp_pb2, wrappers_pb2):
        module.DESCRIPTOR.CopyToProto(known.file.add())
    path = folder / "well_known.pb"
    path.write_bytes(known.SerializeToString())
    return path


def _rules(folder):
    """The package's validate.proto is older than Envoy's protos, which use one rule that it has not."""
    text = (DEPS / "protoc-gen-validate/validate/validate.proto").read_text()
    opening = "message StringRules {\n"
    assert text.count(opening) == 1 and "ignore_empty" not in text, "another validate.proto: is this still needed?"
    path = folder / "validate/validate.proto"
    path.parent.mkdir()
    path.write_text(text.replace(opening, opening + "  optional bool ignore_empty = 26;\n"))
    return folder


def _compiled():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "envoy.pb"
        subprocess.run(["protoc", f"--descriptor_set_in={_well_known(folder)}", f"-I{_rules(folder)}",
                        *(f"-I{DEPS / part}" for part in ("envoy-api", "googleapis", "xds")),
                        "--include_imports", f"--descriptor_set_out={out}", *SOURCES],
                       check=True, stderr=subprocess.DEVNULL)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


class Protos:
    def __init__(self):
        self.pool = descriptor_pool.DescriptorPool()
        for file in _compiled().file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)
        self.options = self._prototype("google.protobuf.FieldOptions")
        self.rules = self.pool.FindExtensionByName("validate.rules")
        self.rules_type = self._prototype("validate.FieldRules")

    def _prototype(self, name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))

    def read(self, type_name, text):
        """The message. Refused says which field or value is unknown, or breaks which of Envoy's own rules."""
        message = self._prototype(type_name)()
        try:
            json_format.Parse(text, message, descriptor_pool=self.pool)
        except json_format.ParseError as error:
            raise Refused(str(error)) from error
        self._obey(message)
        return message

    def _rules_of(self, field):
        options = self.options.FromString(field.GetOptions().SerializeToString())
        return options.Extensions[self.rules]

    def _obey(self, message):
        if message.DESCRIPTOR.full_name == "google.protobuf.Any":
            inside = self._prototype(message.type_url.rpartition("/")[2]).FromString(message.value)
            return self._obey(inside)
        for field in message.DESCRIPTOR.fields:
            rules = self._rules_of(field)
            repeated = field.label == field.LABEL_REPEATED
            value = getattr(message, field.name)
            is_message = field.message_type is not None
            if is_message and not repeated and not message.HasField(field.name):
                if rules.message.required and field.containing_oneof is None:
                    raise Refused(f"{field.full_name} is required")
                continue
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                continue
            if repeated and rules.HasField("repeated") and len(value) < rules.repeated.min_items:
                raise Refused(f"{field.full_name} has too few items")
            for each in value if repeated else [value]:
                if not repeated:
                    self._keep(field, rules, each, message)
                if is_message:
                    self._obey(each)

    def _keep(self, field, rules, value, message):
        kind = rules.WhichOneof("type")
        if kind is None or kind in ("message", "repeated", "map", "any"):
            return
        if field.containing_oneof is not None and not message.HasField(field.name):
            return
        if kind == "duration":
            value = value.ToNanoseconds()
        elif field.message_type is not None:
            value = value.value
        limits = getattr(rules, kind)
        for name, breaks in (("gt", lambda least: value <= least), ("gte", lambda least: value < least),
                             ("lt", lambda most: value >= most), ("lte", lambda most: value > most)):
            if name not in limits.DESCRIPTOR.fields_by_name or not limits.HasField(name):
                continue
            limit = getattr(limits, name)
            if breaks(limit.ToNanoseconds() if kind == "duration" else limit):
                raise Refused(f"{field.full_name} must be {name} {limit}: it is {value}")
        if kind == "string" and limits.min_len > len(value):
            raise Refused(f"{field.full_name} is too short")
        if kind == "enum" and limits.defined_only and value not in field.enum_type.values_by_number:
            raise Refused(f"{field.full_name} has no such value")
