/** The broker's own session for reading change sets: its template and the agent name it goes by. */

/** Name of the template. Open to no agent. */
export const CHANGE_SET_READER = "read-change-set";

/** Stands in the record as the agent of the broker's own sessions, so no agent may be registered under it. */
export const READER_AGENT = "twokey";
