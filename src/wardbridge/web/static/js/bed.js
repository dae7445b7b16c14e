// The bed page: all waves of one bed, and its trends.
import { monitor } from "./monitor.js";
import { trends } from "./trend.js";

const place = document.querySelector("main [data-place]").dataset.place;
monitor([`bed/${place}`]);
trends(document.querySelector("[data-trends]"));
