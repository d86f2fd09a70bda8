/**
 * From a model's name to its entry: by the name itself, or by what gateways and clouds write around it. A name is cut at its
 * separators from the end until an entry is found. A prefix that is no known provider makes it another model.
 */

import { CATALOGUES } from "./catalogue.js";
import { wholeMatch } from "./matching.js";
import { lookup as patterns, WRAPPERS } from "./tables.js";

export interface CatalogueModel {
  readonly name: string;
  readonly family: string;
  readonly provider: string;
  readonly hosts?: readonly string[];
  readonly open_weights?: boolean;
}

interface Catalogue {
  readonly providers: Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  readonly publishers: readonly string[];
  readonly bedrock_vendors: readonly string[];
  readonly models: readonly CatalogueModel[];
}

/** What a name says: the entry, and who runs the model where, if the name tells. */
export interface Found {
  readonly entry: CatalogueModel | undefined;
  readonly host?: string | undefined;
  readonly region?: string | undefined;
}

const BEDROCK = "aws.bedrock";
const NO_PLACE = "global";
const VERSIONS = CATALOGUES as unknown as Readonly<Record<string, Catalogue>>;
const made = new Map<string, Lookup>();

/** Over one version of the catalogue; undefined for one that is newer than this code. */
export function lookupIn(version: string): Lookup | undefined {
  const known = made.get(version);
  const catalogue = Object.hasOwn(VERSIONS, version) ? VERSIONS[version] : undefined;
  if (known !== undefined || catalogue === undefined) return known;
  const fresh = new Lookup(catalogue);
  made.set(version, fresh);
  return fresh;
}

export class Lookup {
  readonly #models: ReadonlyMap<string, CatalogueModel>;
  readonly #providers: ReadonlyMap<string, string>;
  readonly #publishers: ReadonlySet<string>;
  readonly #vendors: ReadonlySet<string>;

  constructor(catalogue: Catalogue) {
    this.#models = new Map(catalogue.models.map((model) => [model.name, model]));
    this.#providers = new Map(
      Object.entries(catalogue.providers).flatMap(([name, { aliases }]) =>
        [name, ...(aliases ?? [])].map((alias) => [alias, name] as const),
      ),
    );
    this.#publishers = new Set(catalogue.publishers);
    this.#vendors = new Set(catalogue.bedrock_vendors);
  }

  /** The catalogue's own name of a provider. */
  providerNamed(name: string): string | undefined {
    return this.#providers.get(name.toLowerCase().replaceAll("-", "_"));
  }

  /** By a name in its normal form. */
  find(name: string): Found {
    const parts = unwrapped(name).split("/");
    const [prefixes, last] = [parts.slice(0, -1), parts.at(-1) ?? ""];
    const hosts = prefixes.map((prefix) => this.providerNamed(prefix));
    if (!prefixes.every((prefix, place) => hosts[place] !== undefined || this.#publishers.has(prefix))) {
      return { entry: undefined };
    }
    const host = hosts[0];
    const [, region, vendor, model] = wholeMatch(patterns.BEDROCK_NAME, last) ?? [];
    if (vendor !== undefined && this.#vendors.has(vendor) && (host === undefined || host === BEDROCK)) {
      return { entry: this.#entry(model ?? ""), host: BEDROCK, region: region === NO_PLACE ? undefined : region };
    }
    const entry = this.#entry(last);
    const isPublished = entry?.open_weights === true && this.#publishers.has(prefixes[0] ?? "");
    return { entry, host: isPublished ? undefined : host };
  }

  #entry(name: string): CatalogueModel | undefined {
    let base = name;
    while (base !== "") {
      const entry = this.#models.get(base);
      if (entry !== undefined) return entry;
      const shorter = base.replace(patterns.LAST_PART, "");
      if (shorter === base) return undefined;
      base = shorter;
    }
    return undefined;
  }
}

function unwrapped(name: string): string {
  return WRAPPERS.reduce((rest, wrapper) => (rest.startsWith(wrapper) ? rest.slice(wrapper.length) : rest), name);
}
