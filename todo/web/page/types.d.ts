// The page's names of the API's shapes. In a module: /** @import { Task, TaskEdit } from "./types" */
import type { ComponentChildren, VNode } from "preact"
import type { components } from "./api"

type Shapes = components["schemas"]
type Shape<Name extends keyof Shapes> = Shapes[Name]

/** A task as the page holds it: with `deleted_at` while it is in the trash. */
export interface Task extends Shape<"TrashedTaskOut"> {}
export interface NewTask extends Shape<"NewTask"> {}
export interface TaskEdit extends Shape<"TaskEdit"> {}
export type Priority = NonNullable<Task["priority"]>
export type RecurrenceFrom = NonNullable<Task["recurrence_from"]>

/** One logged write of one task, and the task as it left it. */
export interface Change extends Shape<"ChangeOut"> {}
export interface Changes extends Shape<"ChangesOut"> {}
/** A change in the history of a task, with the values before. */
export interface PastChange extends Shape<"PastChange"> {}

/** One operation of a batch; `op` says which. */
export type Operation = Shapes["Batch"]["operations"][number]
export interface OperationResult extends Shape<"ResultOut"> {}
export interface BatchResult extends Shape<"BatchOut"> {}

/** What was understood of a line of quick add. */
export interface QuickTask extends Shape<"QuickTask"> {}
export interface TagCount extends Shape<"TagCountOut"> {}
export interface Summary extends Shape<"Summary"> {}

/** An account. */
export interface User extends Shape<"UserOut"> {}
export interface Me extends Shape<"MeOut"> {}
/** A device that is signed in. */
export interface Session extends Shape<"SessionOut"> {}
/** The answer to a sign-up, a sign-in or a refresh. */
export interface SignedIn extends Shape<"SignedIn"> {}
export interface ApiToken extends Shape<"ApiTokenOut"> {}
export interface NewApiToken extends Shape<"NewApiToken"> {}
export interface ApiTokenMade extends Shape<"ApiTokenMade"> {}

/** An assistant that changes tasks, and what became of taking that back. */
export interface Agent extends Shape<"AgentOut"> {}
export interface TakenBack extends Shape<"TakenBackOut"> {}
export interface LeftAsItIs extends Shape<"ConflictOut"> {}

export interface ImportReport extends Shape<"ImportReport"> {}
export interface FeedMade extends Shape<"FeedMade"> {}
export interface Feed extends Shape<"FeedOut"> {}

/** An error (RFC 9457). */
export interface Problem extends Shape<"Problem"> {}

/** What a component may contain. */
export type Children = ComponentChildren
export type Component = (props: never) => ComponentChildren
/** The tag of a template. A function in it whose parameter has no type is taken for a listener. */
export type Html = (strings: TemplateStringsArray, ...values: Value[]) => VNode
type Value = object | string | number | boolean | bigint | null | undefined | ((event: Event) => unknown)

/** What happens to a field, of which `target` is read. */
export type Entered = { target: HTMLInputElement }
/** JSON from outside the page: an answer of the server, whose shape the contract says. */
export type Json = ReturnType<JSON["parse"]>
/** Trusted Types (W3C), of which TypeScript knows nothing yet; an address is a string to whom it is passed. */
export type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(text: string): string },
  ): { createScriptURL(text: string): string }
}
