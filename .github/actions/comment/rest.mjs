// GitHub's REST API, as far as comments, issues and pull requests need it. Node's own fetch, nothing else.

const PER_PAGE = 100;

// A client for one repository. Every answer that is no success is an error that names the request.
export function client({ api, repository, token }) {
  const root = `${api}/repos/${repository}`;

  async function send(method, address, body) {
    const response = await fetch(address, {
      method,
      redirect: "error",
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "user-agent": "odyssey-asv",
        "x-github-api-version": "2022-11-28",
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!response.ok) {
      const text = (await response.text()).slice(0, 300);
      const failure = new Error(`${method} ${address}: ${response.status}: ${text}`);
      failure.status = response.status;
      throw failure;
    }
    return response;
  }

  const address = (path, query) => {
    const words = new URLSearchParams(query).toString();
    return `${root}/${path}${words ? `?${words}` : ""}`;
  };

  return {
    get: async (path, query) => (await send("GET", address(path, query))).json(),
    post: async (path, body) => (await send("POST", address(path), body)).json(),
    put: async (path, body) => (await send("PUT", address(path), body)).json(),
    patch: async (path, body) => (await send("PATCH", address(path), body)).json(),
    // Everything there is of a list, however many pages it has.
    async all(path, query) {
      const found = [];
      for (let page = 1; ; page += 1) {
        const part = await this.get(path, { ...query, per_page: PER_PAGE, page });
        found.push(...part);
        if (part.length < PER_PAGE) return found;
      }
    },
  };
}

// The client that a job's environment describes.
export function fromEnvironment(token) {
  return client({
    api: required("GITHUB_API_URL"),
    repository: required("GITHUB_REPOSITORY"),
    token: required(token),
  });
}

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

// The oldest of some comments or issues that has the mark on its first line and is by the author; a mark
// in somebody else's is a quotation, or a trap.
export function marked(list, mark, author) {
  return list.find(
    (one) => one.user?.login === author && (one.body ?? "").split(/\r?\n/, 1)[0] === mark,
  );
}

// Run a script to its end; what goes wrong becomes an annotation and exit code 1.
export async function finish(action) {
  try {
    console.log(await action());
  } catch (error) {
    const text = String(error.message ?? error);
    const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
    console.log(`::error::${escaped}`);
    process.exitCode = 1;
  }
}
