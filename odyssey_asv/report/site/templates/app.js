"use strict";
(function () {
  function byId(id) { return document.getElementById(id); }

  /* The list of benchmarks: "/" goes to the search, arrows choose, Enter opens. */
  var search = byId("search");
  if (search) {
    var rows = Array.prototype.slice.call(document.querySelectorAll("#list tbody tr"));
    var chosen = -1;
    var shown = function () { return rows.filter(function (row) { return !row.hidden; }); };
    var choose = function (position) {
      rows.forEach(function (row) { row.classList.remove("chosen"); });
      var left = shown();
      chosen = left.length ? Math.max(0, Math.min(position, left.length - 1)) : -1;
      if (chosen >= 0) { left[chosen].classList.add("chosen"); left[chosen].scrollIntoView({ block: "nearest" }); }
    };
    search.addEventListener("input", function () {
      var wanted = search.value.toLowerCase();
      rows.forEach(function (row) { row.hidden = row.dataset.name.toLowerCase().indexOf(wanted) < 0; });
      byId("none").hidden = shown().length > 0;
      choose(0);
    });
    search.addEventListener("keydown", function (event) {
      if (event.key === "ArrowDown") { choose(chosen + 1); event.preventDefault(); }
      if (event.key === "ArrowUp") { choose(chosen - 1); event.preventDefault(); }
      if (event.key === "Enter" && chosen >= 0) { shown()[chosen].querySelector("a").click(); }
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "/" && document.activeElement !== search) { search.focus(); event.preventDefault(); }
    });
  }

  /* The picture of one benchmark. */
  var plot = byId("plot");
  if (!plot || typeof Plotly === "undefined") { return; }
  var MOST = 40, FEW = 5;
  var commits = {}, lines = [], visible = [];
  odyssey.commits.forEach(function (row) { commits[row[0]] = row; });

  function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  /* Plotly takes some tags in texts for markup, and %{…} for a place to fill. */
  function plain(text) { return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%\{/g, "&#37;{"); }
  function across(position) { return byId("axis").value === "date" ? commits[position][2] : position; }

  function traces() {
    var single = visible.length === 1, few = visible.length <= FEW, made = [];
    visible.forEach(function (number) {
      var line = lines[number];
      var trace = {
        type: "scatter", mode: few ? "lines+markers" : "lines", name: plain(line.label),
        x: line.x.map(across), y: line.y, customdata: line.x, marker: { size: 5 }, line: { width: 1 },
        text: line.x.map(function (p) {
          var c = commits[p];
          return plain(c[1].slice(0, 8) + " " + c[2].slice(0, 10)) + "<br>" + plain(c[3].slice(0, 90));
        }),
        hovertemplate: "%{y:.4s}<br>%{text}<extra>" + plain(line.label.slice(0, 60)) + "</extra>"
      };
      if (few && line.low) {
        trace.error_y = {
          type: "data", symmetric: false, thickness: 1, width: 0,
          array: line.y.map(function (y, n) { return line.high[n] === null ? 0 : Math.max(0, line.high[n] - y); }),
          arrayminus: line.y.map(function (y, n) { return line.low[n] === null ? 0 : Math.max(0, y - line.low[n]); })
        };
      }
      if (single) { trace.line.color = trace.marker.color = color("--line"); }
      made.push(trace);
      if (few) {
        var x = [], y = [];
        line.levels.forEach(function (level) {
          x.push(across(level[0]), across(level[1]), null); y.push(level[2], level[2], null);
        });
        made.push({
          type: "scatter", mode: "lines", x: x, y: y, hoverinfo: "skip", showlegend: false,
          line: { width: 3, color: color("--neutral") }, opacity: 0.6
        });
      }
    });
    return made;
  }

  function shapes() {
    var made = [];
    function upright(position, style, name) {
      made.push({ type: "line", xref: "x", yref: "paper", x0: across(position), x1: across(position), y0: 0, y1: 1, layer: "below", line: { width: 1, dash: style, color: color(name) } });
    }
    released().forEach(function (row) { upright(row[0], "dot", "--tolerance"); });
    if (visible.length <= FEW) {
      visible.forEach(function (number) {
        lines[number].changes.forEach(function (change) {
          upright(change[1], "solid", change[3] ? "--regression" : "--improvement");
        });
      });
    }
    return made;
  }

  /* From the first to the last commit of what is drawn. */
  function ends() {
    var low = Infinity, high = -Infinity;
    visible.forEach(function (number) {
      var x = lines[number].x;
      low = Math.min(low, x[0]);
      high = Math.max(high, x[x.length - 1]);
    });
    return [low, high];
  }

  function released() {
    var inside = ends();
    return odyssey.commits.filter(function (row) { return row[4] && row[0] >= inside[0] && row[0] <= inside[1]; });
  }

  function releases() {
    return released().slice(-12).map(function (row) {
      return { x: across(row[0]), xref: "x", y: 1, yref: "paper", yanchor: "bottom", text: plain(row[4]), showarrow: false, textangle: -45, font: { size: 10, color: color("--faint") } };
    });
  }

  function draw() {
    var ink = color("--ink"), rule = color("--rule");
    Plotly.react(plot, traces(), {
      paper_bgcolor: color("--paper"), plot_bgcolor: color("--paper"), font: { color: ink, family: "system-ui, sans-serif" },
      margin: { l: 64, r: 16, t: 56, b: 48 }, hovermode: "closest", shapes: shapes(), annotations: releases(),
      showlegend: visible.length > 1 && visible.length <= 12, legend: { orientation: "h", y: -0.2, yanchor: "top" },
      xaxis: { gridcolor: rule, zeroline: false, title: { text: byId("axis").value === "date" ? "date of the commit" : "commit, by its place on the line" } },
      yaxis: { gridcolor: rule, zeroline: false, type: "log", exponentformat: "SI", title: { text: plain(odyssey.unit) } }
    }, { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["sendDataToCloud"] });
  }

  function boxes() {
    var holder = byId("boxes");
    holder.textContent = "";
    lines.forEach(function (line, number) {
      var label = document.createElement("label"), box = document.createElement("input");
      box.type = "checkbox";
      box.checked = visible.indexOf(number) >= 0;
      box.addEventListener("change", function () {
        visible = visible.filter(function (n) { return n !== number; });
        if (box.checked) { visible.push(number); }
        draw();
      });
      label.appendChild(box);
      label.appendChild(document.createTextNode(" " + line.label));
      label.dataset.name = line.label.toLowerCase();
      holder.appendChild(label);
    });
    byId("lines").hidden = lines.length < 2;
  }

  function size(line) {
    return Math.max.apply(null, [0].concat(line.changes.map(function (c) { return Math.abs(Math.log(c[2])); })));
  }

  var asked = null;
  odyssey.load = function (loaded) {
    /* Of a place that was chosen before the one that is wanted now. */
    if (document.currentScript !== asked) { return; }
    lines = loaded;
    visible = lines.map(function (_, n) { return n; })
      .sort(function (a, b) { return size(lines[b]) - size(lines[a]); }).slice(0, MOST);
    boxes();
    draw();
    plot.dataset.lines = String(visible.length);
  };

  function fetchPlace() {
    if (asked) { asked.remove(); }
    asked = document.createElement("script");
    asked.src = byId("place").value;
    document.head.appendChild(asked);
  }

  byId("controls").hidden = false;
  byId("place").addEventListener("change", fetchPlace);
  byId("axis").addEventListener("change", draw);
  byId("filter").addEventListener("input", function () {
    var wanted = byId("filter").value.toLowerCase();
    Array.prototype.forEach.call(byId("boxes").children, function (label) { label.hidden = label.dataset.name.indexOf(wanted) < 0; });
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  Plotly.newPlot(plot, []);
  plot.on("plotly_click", function (event) {
    if (odyssey.url) { window.open(odyssey.url + commits[event.points[0].customdata][1], "_blank", "noopener"); }
  });
  fetchPlace();
})();
