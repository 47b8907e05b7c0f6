// Node's clients, each with the same five tasks; a line of JSON for each on standard output.
import { readFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Output, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const url = `${process.argv[2]}/v1`;
const question = "How warm is it in Paris?";
const [greeting, result] = ["Hello you all", "It is warm."];
const Place = z.object({ city: z.enum(["Paris"]) });
const schema = { type: "object", properties: { city: { enum: ["Paris"] } }, required: ["city"], additionalProperties: false };
const messages = [{ role: "user", content: question }];

function openai() {
  const client = new OpenAI({ baseURL: url, apiKey: "none", maxRetries: 0, timeout: 60_000 });
  const create = (more) => client.chat.completions.create({ model: "any", messages, ...more });
  const tools = [{ type: "function", function: { name: "get_weather", description: "The weather", parameters: schema } }];
  return {
    chat: async () => (await create()).choices[0].message.content === greeting,
    stream: async () => {
      const pieces = [];
      for await (const chunk of await create({ stream: true })) pieces.push(chunk.choices[0]?.delta.content ?? "");
      return pieces.join("") === greeting && pieces.length > 2;
    },
    tools: async () => {
      const said = (await client.chat.completions.stream({ model: "any", messages, tools }).finalChatCompletion()).choices[0].message;
      const call = said.tool_calls[0];
      const history = [...messages, said, { role: "tool", tool_call_id: call.id, content: "23 degrees" }];
      const answer = (await create({ messages: history, tools })).choices[0].message;
      return JSON.parse(call.function.arguments).city === "Paris" && answer.content === result;
    },
    structured: async () => {
      const format = { response_format: zodResponseFormat(Place, "place") };
      return (await client.chat.completions.parse({ model: "any", messages, ...format })).choices[0].message.parsed.city === "Paris";
    },
    usage: async () => {
      let last;
      for await (const chunk of await create({ stream: true, stream_options: { include_usage: true } })) last = chunk;
      return (await create()).usage.completion_tokens === 5 && last.usage.completion_tokens === 5;
    },
  };
}

function aiSdk(model) {
  const tools = {
    get_weather: tool({ description: "The weather", inputSchema: Place, execute: async ({ city }) => `${city}: 23 degrees` }),
  };
  const common = { model, prompt: question, maxRetries: 0 };
  return {
    chat: async () => (await generateText(common)).text === greeting,
    stream: async () => {
      const pieces = [];
      for await (const piece of streamText(common).textStream) pieces.push(piece);
      return pieces.join("") === greeting && pieces.length > 2;
    },
    tools: async () => {
      const stream = streamText({ ...common, tools, stopWhen: stepCountIs(3) });
      const text = await stream.text;
      const steps = await stream.steps;
      return steps.length === 2 && steps[0].toolCalls[0].input.city === "Paris" && text === result;
    },
    structured: async () => (await generateText({ ...common, output: Output.object({ schema: Place }) })).output.city === "Paris",
    usage: async () => {
      const stream = streamText(common);
      await stream.text;
      return (await generateText(common)).usage.outputTokens === 5 && (await stream.usage).outputTokens === 5;
    },
  };
}

const compatible = createOpenAICompatible({
  name: "intentmesh", baseURL: url, includeUsage: true, supportsStructuredOutputs: true,
});
const provider = createOpenAI({ baseURL: url, apiKey: "none" });
const clients = [
  ["openai for Node (chat)", "openai", openai()],
  ["Vercel AI SDK (chat)", "ai", aiSdk(compatible("any"))],
  ["Vercel AI SDK (responses)", "ai", aiSdk(provider.responses("any"))],
];
for (const [client, name, tasks] of clients) {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url)));
  for (const [task, run] of Object.entries(tasks)) {
    let [passed, reason] = [false, ""];
    try {
      passed = await run();
    } catch (error) {
      reason = `${error.name}: ${error.message}`;
      console.error(error);
    }
    console.log(JSON.stringify({ client, version, task, passed, reason }));
  }
}
