/**
 * The two words by which people make sure that they speak of the same escalation: the agent's operator reads them, the
 * page shows them. They follow from the digest. Only for matching by eye: 16 bits are no protection against somebody
 * who tries digests until the words fit, so nothing is ever decided by them.
 */
import { createHash } from "node:crypto";

/** e.g. `maple-river`. `digest`: the escalation's. */
export function escalationCode(digest: string): string {
  const [first = 0, second = 0] = createHash("sha256").update(`twokey-code-v1\n${digest}`, "utf8").digest();
  return `${WORDS[first] ?? ""}-${WORDS[second] ?? ""}`;
}

/** One for each byte. Short, harmless, and told apart when they are read out. The order is part of the code. */
export const WORDS: readonly string[] = `
  acorn album almond amber anchor ankle apple apron arrow atlas attic autumn bacon badge bagel bamboo
  banjo barley basil basket beacon beaver bench bicycle birch biscuit blanket blossom bonnet bottle
  boulder bracelet branch bread brick bridge broom bubble bucket buffalo button cabin cactus camel
  candle canoe canvas canyon carbon carpet carrot castle cedar cello cement chalk cherry chimney cinema
  circle citrus clarinet cliff clover cobalt coconut coffee comet compass copper coral cotton cradle
  crayon cricket crystal cucumber cushion cymbal daisy diamond dinner dolphin domino dragon drawer eagle
  echo elbow elephant engine envelope fabric falcon feather fennel fiddle finger flamingo flannel flute
  forest fountain fox galaxy garden garlic gazelle geyser ginger giraffe glacier glove goblet gorilla
  granite grape guitar hammock harbor harvest hazel hedge helmet heron honey horizon igloo indigo island
  ivory jacket jaguar jasmine jelly jigsaw jungle juniper kayak kettle kitchen kiwi koala ladder lagoon
  lantern lavender lemon leopard lettuce lilac lizard lobster magnet mango maple marble meadow meteor
  mirror mitten monkey mosaic muffin mustard napkin nectar needle noodle nutmeg oasis ocean octopus
  olive onion opal orchid oregano otter oyster palace panda paprika parsley pelican pencil penguin
  pepper piano pickle pigeon planet pocket poppy potato prism pudding puzzle pyramid quartz quilt rabbit
  radish raisin ravioli ribbon river robin ruby saddle saffron salmon sapphire saturn shadow silver
  sparrow spider sponge squirrel statue sunset tadpole tango teapot temple thimble thunder tiger tomato
  topaz tractor trolley trumpet tulip tundra tunnel turtle tuxedo umbrella unicorn valley vanilla velvet
  vineyard violet volcano waffle walnut whistle willow window wizard yogurt zebra zipper
`
  .trim()
  .split(/\s+/);
