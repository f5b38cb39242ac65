"""The messages of a Sparkplug B payload for protobuf, from the field numbers of the specification (6.4.1).

They are declared here and not by a compiled .proto: generated modules are bound to the protobuf release that made them
and refuse to load two major releases later, and a build would need the compiler.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "pressline.sparkplug"
FILE = "pressline/sparkplug.proto"

_KINDS = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "float": descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
}

_SCALARS = (
    "int_value uint32,long_value uint64,float_value float,double_value double,boolean_value bool,string_value string"
)


def _one_of(first: int, *more: str) -> dict[int, str]:
    """The scalars that a value may be, and what else it may be, numbered from `first`."""
    return {first + place: f"value? {field}" for place, field in enumerate([*_SCALARS.split(","), *more])}


FIELDS: dict[str, dict[int, str]] = {
    "Payload": {
        1: "timestamp uint64",
        2: "metrics* Metric",
        3: "seq uint64",
        4: "uuid string",
        5: "body bytes",
    },
    "Metric": {
        1: "name string",
        2: "alias uint64",
        3: "timestamp uint64",
        4: "datatype uint32",
        5: "is_historical bool",
        6: "is_transient bool",
        7: "is_null bool",
        8: "metadata MetaData",
        9: "properties PropertySet",
        **_one_of(10, "bytes_value bytes", "dataset_value DataSet", "template_value Template"),
    },
    "MetaData": {
        1: "is_multi_part bool",
        2: "content_type string",
        3: "size uint64",
        4: "seq uint64",
        5: "file_name string",
        6: "file_type string",
        7: "md5 string",
        8: "description string",
    },
    "PropertySet": {1: "keys* string", 2: "values* PropertyValue"},
    "PropertyValue": {
        1: "type uint32",
        2: "is_null bool",
        **_one_of(3, "propertyset_value PropertySet", "propertysets_value PropertySetList"),
    },
    "PropertySetList": {1: "propertyset* PropertySet"},
    "DataSet": {1: "num_of_columns uint64", 2: "columns* string", 3: "types* uint32", 4: "rows* Row"},
    "Row": {1: "elements* DataSetValue"},
    "DataSetValue": _one_of(1),
    "Template": {
        1: "version string",
        2: "metrics* Metric",
        3: "parameters* Parameter",
        4: "template_ref string",
        5: "is_definition bool",
    },
    "Parameter": {1: "name string", 2: "type uint32", **_one_of(3)},
}
"""Message: field number: "name type"; `name*` is repeated, `value? name` one of those that exclude each other."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=FILE, package=PACKAGE, syntax="proto2")
    for message, fields in FIELDS.items():
        declared = file.message_type.add(name=message)
        for number, line in fields.items():
            *one_of, name, kind = line.split()
            field = declared.field.add(name=name.removesuffix("*"), number=number)
            field.label = field.LABEL_REPEATED if name.endswith("*") else field.LABEL_OPTIONAL
            if kind in _KINDS:
                field.type = _KINDS[kind]
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            if one_of:
                if not declared.oneof_decl:
                    declared.oneof_decl.add(name="value")
                field.oneof_index = 0
    return file


def _payload_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Payload"))


PayloadMessage: Any = _payload_class()
"""The protobuf class of a payload; what types its fields have, `payload` knows."""
