/**
 * Slack, by an incoming webhook. Everything is plain text: nothing an agent wrote is a link, a mention or bold. The one
 * button opens the page; there is none that decides, and Slack has no way back into the broker.
 */
import type { Channel, Message } from "../../escalation/outbox.ts";
import { ok } from "../../result.ts";
import type { Secret } from "../../session/credentials.ts";
import { post } from "./post.ts";

/** Incoming webhooks can neither update nor thread: a follow-up is a message of its own, which names the code. */
export function createSlack({ url }: { readonly url: Secret }): Channel {
  return {
    name: "slack",
    deliver: async (message) => {
      const sent = await post(url, JSON.stringify(slackBody(message)));
      return sent.ok ? ok({ thread: null }) : sent;
    },
  };
}

function slackBody({ title, lines, url }: Message) {
  return {
    // For the phone's notification, where Slack reads markup: nothing but our own words.
    text: "Twokey: news for approvers",
    blocks: [
      section(title),
      ...lines.map(({ label, text }) => section(`${label}: ${text}`)),
      { type: "actions", elements: [{ type: "button", text: plain("Open the page"), url }] },
    ],
    unfurl_links: false,
    unfurl_media: false,
  };
}

const section = (text: string) => ({ type: "section", text: plain(text) });

/** `emoji` false: `:white_check_mark:` stays these characters too. */
const plain = (text: string) => ({ type: "plain_text", text: escape(text), emoji: false });

/** Slack reads these three everywhere, and nothing else in plain text. `&` first, so that `&lt;` stays `&lt;`. */
const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
