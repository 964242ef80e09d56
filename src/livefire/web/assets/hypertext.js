import htmx from "htmx.org";
export { htmx };
