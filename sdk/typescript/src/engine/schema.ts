/** Whether data has the shape that this version knows: what it does not know, it must not decide by. */

import { SCHEMA } from "./tables.js";
import { lengthOf } from "./text.js";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema | false;
  readonly prefixItems?: readonly Schema[];
  readonly pattern?: string;
  readonly default?: unknown;
  readonly [bound: string]: unknown;
}

const SCHEMAS = SCHEMA as unknown as Readonly<Record<string, Schema>>;
const WORDS = new Set([
  ...["$ref", "type", "enum", "anyOf", "properties", "required", "additionalProperties", "propertyNames", "items"],
  ...["prefixItems", "pattern", "default", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"],
  "maxProperties",
]);
const patterns = new Map<string, RegExp>();

/** The value with the defaults of what it leaves out; undefined where it has not that shape. */
export function shaped<T>(name: keyof typeof SCHEMA, value: unknown): T | undefined {
  const schema = schemaNamed(name);
  return conforms(value, schema) ? (withDefaults(value, schema) as T) : undefined;
}

/** Fields of the outermost object that are none of this version. */
export function unknownFields(name: keyof typeof SCHEMA, value: object): string[] {
  const known = schemaNamed(name).properties ?? {};
  return Object.keys(value).filter((field) => !Object.hasOwn(known, field));
}

function schemaNamed(name: string): Schema {
  const schema = SCHEMAS[name];
  if (schema === undefined) throw new Error(`no schema ${name}`);
  return schema;
}

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : schemaNamed(schema.$ref);
}

function conforms(value: unknown, given: Schema): boolean {
  const schema = resolved(given);
  if (Object.keys(schema).some((word) => !WORDS.has(word))) return false;
  if (schema.anyOf !== undefined) return schema.anyOf.some((one) => conforms(value, one));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  switch (schema.type) {
    case "string":
      return typeof value === "string" && isTextWithin(value, schema);
    case "integer":
      return Number.isInteger(value) && isNumberWithin(value as number, schema);
    case "number":
      return typeof value === "number" && isNumberWithin(value, schema);
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value) && isListOf(value, schema);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value) && isObjectOf(value, schema);
    default:
      return true;
  }
}

function isTextWithin(text: string, schema: Schema): boolean {
  const length = lengthOf(text);
  if (length < bound(schema, "minLength", 0) || length > bound(schema, "maxLength")) return false;
  return schema.pattern === undefined || compiled(schema.pattern).test(text);
}

function isNumberWithin(number: number, schema: Schema): boolean {
  return number >= bound(schema, "minimum", Number.NEGATIVE_INFINITY) && number <= bound(schema, "maximum");
}

function isListOf(list: readonly unknown[], schema: Schema): boolean {
  if (list.length < bound(schema, "minItems", 0) || list.length > bound(schema, "maxItems")) return false;
  return list.every((one, place) => {
    const expected = schema.prefixItems?.[place] ?? schema.items;
    return expected === undefined || expected === false || conforms(one, expected);
  });
}

function isObjectOf(value: object, schema: Schema): boolean {
  const entries = Object.entries(value);
  if (entries.length > bound(schema, "maxProperties")) return false;
  if (schema.required?.some((name) => !Object.hasOwn(value, name))) return false;
  return entries.every(([name, one]) => {
    if (schema.propertyNames !== undefined && !isTextWithin(name, schema.propertyNames)) return false;
    const known = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    const expected = known ? schema.properties?.[name] : schema.additionalProperties;
    if (typeof expected === "object") return conforms(one, expected);
    return expected !== false;
  });
}

function bound(schema: Schema, name: string, otherwise = Number.POSITIVE_INFINITY): number {
  const given = schema[name];
  return typeof given === "number" ? given : otherwise;
}

function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern) ?? new RegExp(pattern);
  patterns.set(pattern, known);
  return known;
}

function withDefaults(value: unknown, given: Schema): unknown {
  const schema = resolved(given);
  if (Array.isArray(value)) {
    const items = schema.items;
    return items === undefined || items === false ? value : value.map((one) => withDefaults(one, items));
  }
  if (typeof value !== "object" || value === null || schema.properties === undefined) return value;
  const complete: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(schema.properties)) {
    if (Object.hasOwn(complete, name)) complete[name] = withDefaults(complete[name], field);
    else if ("default" in field) complete[name] = field.default;
  }
  return complete;
}
